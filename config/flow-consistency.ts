/** What no single key of flow telemetry can show: access lists, overrides and listeners that contradict each other. */

import { hostPrefix } from '../domain/prefix.js';
import { prefixSet } from '../domain/prefix-table.js';
import type { HostKey } from '../domain/units.js';
import type { Dialect, Plan, Tell } from './plan.js';

export function checkFlow(plan: Plan, { name }: Dialect, tell: Tell): void {
  checkListeners(plan, tell);
  checkAccess(plan, name, tell);
  checkOverrides(plan, tell);
  checkUse(plan, tell);
}

function checkListeners({ capture, origins }: Plan, tell: Tell): void {
  for (const one of capture.listeners) {
    const path = origins.get(one) ?? 'capture';
    if (one.transport === 'tcp' && one.workers !== 1) {
      tell(
        'error',
        `${path}.workers`,
        'a TCP listener serves all its connections by one thread',
        'remove workers here, or write transport: udp',
      );
    }
  }
}

function checkAccess({ capture }: Plan, name: Dialect['name'], tell: Tell): void {
  const { allow, refuseUnknown } = capture.exporters;
  if (refuseUnknown && allow.length === 0) {
    tell(
      'error',
      'capture.exporters.refuse_unknown',
      'nobody is allowed, so every exporter would be refused',
      `list the exporters in ${name('capture.exporters.allow')}`,
    );
  }
  const seen = new Set<string>();
  for (const [index, prefix] of allow.entries()) {
    if (seen.has(prefix)) {
      tell(
        'warning',
        `capture.exporters.allow[${index}]`,
        `${prefix} is allowed twice`,
        'remove one of the two',
      );
    }
    seen.add(prefix);
  }
}

function checkOverrides({ capture }: Plan, tell: Tell): void {
  const { allow, overrides, refuseUnknown } = capture.exporters;
  const allowed = prefixSet(allow);
  const seen = new Map<string, number>();
  for (const [index, { exporter, interface: port }] of overrides.entries()) {
    const path = `capture.exporters.overrides[${index}]`;
    const whose = `${exporter}${port === null ? '' : `, interface ${port}`}`;
    if (seen.has(whose)) {
      tell('error', path, `the sampling of ${whose} is set twice`, 'remove one of the two');
    }
    seen.set(whose, index);
    if (refuseUnknown && allow.length > 0 && !allowed.covers(hostPrefix(exporter as HostKey))) {
      tell(
        'warning',
        path,
        `${exporter} is not among those that are allowed, so nothing of it is read`,
        'add it to capture.exporters.allow, or remove the override',
      );
    }
  }
}

function checkUse({ capture }: Plan, tell: Tell): void {
  if (capture.listeners.length > 0) return;
  const { allow, refuseUnknown, samplingFallback, overrides } = capture.exporters;
  const remedy = 'add a listener: capture.sflow, capture.netflow or capture.ipfix';
  if (allow.length > 0 || refuseUnknown || samplingFallback !== null || overrides.length > 0) {
    tell('warning', 'capture.exporters', 'there is no listener that exporters could send to', remedy);
  }
  if (capture.filters.length > 0) {
    tell('warning', 'capture.filters', 'there is no listener whose records could be filtered', remedy);
  }
}
