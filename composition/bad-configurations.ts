/** The tables of bad configurations, for the tests of who reads a configuration for an operator. */
import type { BadConfiguration } from '../config/tables/bad-configuration.js';
import { badFastnetmon } from '../config/tables/bad-fastnetmon.js';
import { badFlow } from '../config/tables/bad-flow.js';
import { badLists } from '../config/tables/bad-lists.js';
import { badYaml } from '../config/tables/bad-yaml.js';

export type { BadConfiguration } from '../config/tables/bad-configuration.js';
export const badConfigurations: readonly BadConfiguration[] = [
  ...badYaml,
  ...badFlow,
  ...badLists,
  ...badFastnetmon,
];
