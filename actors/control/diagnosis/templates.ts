/** NetFlow v9 and IPFIX records mean nothing without their template (RFC 3954 section 9, RFC 7011 section 8). Pure. */
import type { Diagnosis } from '../../../domain/diagnosis.js';
import type { ExporterFacts } from './facts.js';
import { leastSetsWithoutTemplate, longTemplateIntervalSeconds, templatePatienceSeconds } from './limits.js';
import { commandsFor } from './tables/commands.js';
import { isTemplated, nameOf, ofExporter, protocolTitle, spanText } from './wording.js';

export function templateFaults(facts: ExporterFacts): readonly Diagnosis[] {
  const { now, period } = facts;
  if (!isTemplated(now.protocol)) return [];
  const knownSeconds = (now.lastSeen - now.firstSeen) / 1e6;
  const { setsWithoutTemplate, recordsRecovered, setsExpired } = period;
  const commands = commandsFor('refresh_templates', now.protocol);
  const nothingCame = setsWithoutTemplate >= leastSetsWithoutTemplate && recordsRecovered === 0;
  if (nothingCame && knownSeconds >= templatePatienceSeconds) {
    return [
      ofExporter(facts, {
        code: 'template_missing',
        severity: 'fault',
        sentence:
          `${nameOf(now)} sends ${protocolTitle(now.protocol)} records without the template that explains them: ` +
          `${setsWithoutTemplate} sets could not be read, and what they hold is not counted.`,
        remedy: 'Have the device send its templates again and again, every minute or so.',
        commands,
        evidence: { setsWithoutTemplate, setsExpired, templates: now.templates, knownSeconds },
      }),
    ];
  }
  const { templateIntervalSeconds } = now;
  if (templateIntervalSeconds > longTemplateIntervalSeconds) {
    return [
      ofExporter(facts, {
        code: 'template_late',
        severity: 'fault',
        sentence:
          `${nameOf(now)} sends its templates only every ${spanText(templateIntervalSeconds)}: after a restart of ` +
          'either side its records cannot be read for so long.',
        remedy: 'Have the device send its templates every minute or so.',
        commands,
        evidence: { templateIntervalSeconds, setsWithoutTemplate, setsExpired },
      }),
    ];
  }
  if (setsExpired > 0 && now.templates > 0 && knownSeconds >= templatePatienceSeconds) {
    return [
      ofExporter(facts, {
        code: 'template_late',
        severity: 'fault',
        sentence:
          `${nameOf(now)} sent its templates so late that ${setsExpired} sets of records had to be given up ` +
          'before they could be read.',
        remedy: 'Have the device send its templates every minute or so.',
        commands,
        evidence: { setsExpired, setsWithoutTemplate, templateIntervalSeconds },
      }),
    ];
  }
  return [];
}
