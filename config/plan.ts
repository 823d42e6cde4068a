/**
 * What one configuration file says, in either dialect, before files and addresses that it names are
 * looked up. `yaml-plan.ts` and `fastnetmon-plan.ts` make it, `resolve.ts` turns it into Settings, and
 * `import.ts` writes it out again.
 */
import type { PrefixKey } from '../domain/units.js';
import type { CaptureSettings, InterfaceSettings, ListenerSettings, Settings, Severity } from './settings.js';

type WithWorkersToCount<T> = Omit<T, 'workers'> & { readonly workers: number | 'auto' };
export type PlannedInterface = WithWorkersToCount<InterfaceSettings>;
export type PlannedListener = WithWorkersToCount<ListenerSettings>;

export type Plan = Omit<Settings, 'networks' | 'whitelist' | 'capture'> & {
  readonly networks: readonly PrefixKey[];
  readonly networksFile: string | null;
  readonly whitelist: readonly PrefixKey[];
  readonly whitelistFile: string | null;
  readonly monitorLocalAddresses: boolean;
  readonly monitorOpenvz: boolean;
  readonly capture: Omit<CaptureSettings, 'interfaces' | 'listeners'> & {
    readonly interfaces: readonly PlannedInterface[];
    readonly listeners: readonly PlannedListener[];
  };
  /** The path at which a hostgroup, interface or listener of this plan is set; '' for `global`. */
  readonly origins: ReadonlyMap<object, string>;
};

/** How a dialect differs in what it makes of the same plan. */
export type Dialect = {
  /** The name of a YAML path in this dialect: 'capture.interfaces[0]' is `interfaces` in FastNetMon's. */
  readonly name: (path: string) => string;
  readonly file: string;
  readonly lineOf: (path: string) => number | null;
  /** The remedy when no source is set. */
  readonly howToCapture: string;
  /** FastNetMon starts without a list or a script that is not there; our own files must be right. */
  readonly missingNetworks: Severity;
  readonly missingWhitelist: Severity;
  readonly missingScript: Severity;
  /** Overlaps that FastNetMon settles by order. */
  readonly conflict: Severity;
};

export type Tell = (severity: Severity, path: string, message: string, remedy: string) => void;

/** Directory of `path`, for the relative paths in it. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '.' : path.slice(0, slash) || '/';
}

/** A relative path in a file is meant from where the file lies. */
export const pathFrom = (configPath: string, path: string): string => {
  const directory = directoryOf(configPath);
  if (path.startsWith('/') || directory === '.') return path;
  return directory === '/' ? `/${path}` : `${directory}/${path}`;
};
