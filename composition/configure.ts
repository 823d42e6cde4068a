/** Composition of the configuration: files from the disk, environment and addresses from this machine. */
import { availableParallelism, networkInterfaces } from 'node:os';
import type { Needs } from '../config/consistency.js';
import { diskFiles } from '../config/disk.js';
import { loadSettings } from '../config/load.js';
import { localAddresses } from '../config/machine-addresses.js';
import type { Loaded } from '../config/settings.js';

export { renderFindings } from '../config/findings.js';
export { importFastnetmon } from '../config/import.js';
export { isFastnetmonPath } from '../config/load.js';
export type { Finding, Loaded, Settings } from '../config/settings.js';

/** `path` null: the built-in defaults. */
export const readConfiguration = (
  path: string | null,
  env: NodeJS.ProcessEnv,
  needs: Needs = { sources: true, networks: true },
): Loaded => loadSettings({ path, needs, now: new Date(), ...thisMachine(env) });

export const thisMachine = (env: NodeJS.ProcessEnv) => ({
  env,
  files: diskFiles,
  localAddresses: localAddresses(networkInterfaces()),
  cpus: availableParallelism(),
});
