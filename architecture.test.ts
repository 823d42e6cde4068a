/**
 * Holds the tree to docs/architecture.md: who may import whom, in TypeScript and in C++, what a file may
 * be called and how long it may be. Reads the text of every file; needs no build.
 *
 * The rules are tables below. A file in a folder that no rule knows fails: a new room needs a row.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

type Import = { readonly target: string; readonly typesOnly: boolean };
type File = { readonly path: string; readonly text: string };

const root = dirname(fileURLToPath(import.meta.url));
const maxLines = 400;
const forbiddenFolders = ['utils', 'helpers', 'common', 'misc', 'lib', 'src'];
const skippedFolders = ['node_modules', 'dist', 'build', 'coverage'];

/** What the tools write, and tables of data, may be longer than `maxLines`. */
const longByNature = /^package-lock\.json$|\/(data|tables|captures)\//;

// ---------------------------------------------------------------------------------- the rules, as tables

/** The composition roots: main.ts beside this file, and what is composed from the rooms in composition/. */
const composition = 'composition';
const testPackages = /^(vitest|fast-check|node:.+)$/;

type Rule = {
  /** Rooms whose files it may import. */
  readonly rooms: readonly string[];
  /** Files it may import as types alone. */
  readonly types?: RegExp;
  /** npm packages and `node:` modules. */
  readonly packages: RegExp;
};
const anyPackage = /^(?!nact$)/;
const noPackage = /^(?!)/;
/** Pure functions of Node; clock, chance, files and sockets come in as dependencies. */
const pureNode = /^node:(util|path|assert)$/;

const rules: { readonly [room: string]: Rule } = {
  domain: { rooms: [], packages: noPackage },
  supervision: { rooms: ['domain'], packages: /^nact$/ },
  actors: { rooms: ['domain', 'supervision'], types: /^actors\/[^/]+\/messages\.ts$/, packages: pureNode },
  integrations: { rooms: ['domain'], packages: anyPackage },
  'native/door': { rooms: ['domain'], packages: anyPackage },
  'native/tests': { rooms: ['domain', 'native/door'], packages: anyPackage },
  config: { rooms: ['domain'], packages: anyPackage },
  console: { rooms: ['domain'], types: /^actors\/control\/messages\.ts$/, packages: anyPackage },
  'console/cli': {
    rooms: ['domain', 'console', composition],
    types: /^actors\/control\/messages\.ts$/,
    packages: anyPackage,
  },
  traffic: { rooms: ['domain', 'native/door'], packages: anyPackage },
  bench: { rooms: ['domain', 'native/door', 'traffic'], packages: anyPackage },
  'chaos-tests': {
    rooms: ['domain', 'traffic', 'bench', 'config', 'console', composition],
    types: /^actors\/[^/]+\/messages\.ts$/,
    packages: anyPackage,
  },
  [composition]: {
    rooms: [
      'domain',
      'supervision',
      'actors',
      'integrations',
      'native/door',
      'config',
      'console',
      'traffic',
      'bench',
    ],
    packages: anyPackage,
  },
};

/** In these, each folder is a room of its own: a sibling's files are another room's. */
const housesOfRooms = ['actors', 'integrations'];

/** C++: what may be included from where, itself apart. */
const includes: { readonly [room: string]: readonly string[] } = {
  base: [],
  wire: ['base'],
  flow: ['base', 'wire'],
  counters: ['base'],
  capture: ['base'],
  engine: ['base', 'wire', 'flow', 'counters', 'capture'],
  door: ['base', 'wire', 'flow', 'counters', 'capture', 'engine', 'bench'],
  tests: ['base', 'wire', 'flow', 'counters', 'capture', 'engine', 'fuzz'],
  fuzz: ['base', 'wire', 'flow', 'counters', 'capture', 'engine', 'tests'],
  bench: ['base', 'wire', 'flow', 'counters', 'capture', 'engine', 'tests'],
};
const nodeHeaders = /^(napi\.h|node_api\.h|node\.h|v8\.h|uv\.h|js_native_api\.h)$/;

// ----------------------------------------------------------------------------------------- the judgement

/** The rule a file is under: the longest key that its path begins with. */
function roomOf(path: string): string | null {
  if (!path.includes('/') || path.startsWith('composition/')) return composition;
  const fitting = Object.keys(rules).filter((room) => path.startsWith(`${room}/`));
  return fitting.sort((a, b) => b.length - a.length)[0] ?? null;
}

/** Why `path` may not import `target` (a path of this tree, or a package), or null. */
function brokenImport(path: string, { target, typesOnly }: Import): string | null {
  const room = roomOf(path);
  const rule = room === null ? undefined : rules[room];
  if (room === null || rule === undefined) return `${path}: no rule knows its folder`;
  const isTest = path.endsWith('.test.ts') || path.endsWith('.contract.ts');
  const inTree = target.startsWith('./');
  if (!inTree) {
    if (rule.packages.test(target) || (isTest && testPackages.test(target))) return null;
    return `${path}: ${room} may not import the package '${target}'`;
  }
  const file = target.slice(2);
  const house = housesOfRooms.find((name) => path.startsWith(`${name}/`));
  if (house !== undefined && file.startsWith(`${house}/`)) {
    const sameRoom = file.split('/')[1] === path.split('/')[1];
    if (sameRoom || (typesOnly && rule.types?.test(file) === true)) return null;
    return `${path}: imports ${file}, which is another room's${typesOnly ? '' : ' (and not as types)'}`;
  }
  const other = roomOf(file);
  if (other === null) return `${path}: imports ${file}, whose folder no rule knows`;
  if (other === room || rule.rooms.includes(other)) return null;
  if (rule.types?.test(file) === true) return typesOnly ? null : `${path}: imports ${file} not as types`;
  return `${path}: ${room} may not import ${file}`;
}

/** Why a C++ file may not include `target` (a path of this tree or a header's bare name), or null. */
function brokenInclude(path: string, target: string): string | null {
  const [, room = ''] = /^native\/([^/]+)\//.exec(path) ?? [];
  const allowed = includes[room];
  if (allowed === undefined) return `${path}: no rule knows its folder`;
  if (!target.startsWith('./')) {
    return room !== 'door' && nodeHeaders.test(target)
      ? `${path}: only native/door includes ${target}`
      : null;
  }
  const [, other = ''] = /^\.\/native\/([^/]+)\//.exec(target) ?? [];
  return other === room || allowed.includes(other)
    ? null
    : `${path}: native/${room} may not include ${target}`;
}

// ------------------------------------------------------------------------------------ reading the sources

const importForm =
  /^\s*(?:import|export)\s+(type\s+)?((?:[\w$*]|\{[^}]*\}|[\s,])*?)\s*from\s*['"]([^'"]+)['"]|^\s*import\s+['"]([^'"]+)['"]|\b(?:import|require)\(\s*['"]([^'"]+)['"]/gm;

/** Block comments and whole-line comments, which may speak of imports. */
const withoutComments = (text: string): string =>
  text.replace(/^\s*\/\*[\s\S]*?\*\//gm, '').replace(/^\s*\/\/.*$/gm, '');

/** A relative path as './…' from the root of the tree, a source's name for its `.js`. */
const resolved = (from: string, target: string): string =>
  target.startsWith('.') ? `./${posix.join(dirname(from), target).replace(/\.js$/, '.ts')}` : target;

function importsOf({ path, text }: File): readonly Import[] {
  return [...withoutComments(text).matchAll(importForm)].map((found) => {
    const [, type, names = '', from, bare, dynamic] = found;
    const listed = names.replace(/[{}\s]+/g, ' ').trim();
    const allTypes = listed.length > 0 && listed.split(',').every((name) => /^\s*(type\s|$)/.test(name));
    return {
      target: resolved(path, from ?? bare ?? dynamic ?? ''),
      typesOnly: type !== undefined || allTypes,
    };
  });
}

const includesOf = ({ path, text }: File): readonly string[] =>
  [...text.matchAll(/^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)/gm)].map(([, local, system]) => {
    if (local === undefined) return system ?? '';
    // A quoted header that is no path of ours (a library's) stays a bare name.
    const inTree = `./${posix.join(dirname(path), local)}`;
    return nodeHeaders.test(local) ? local : inTree;
  });

function readTree(folder = root): readonly File[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry): readonly File[] => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return entry.name.startsWith('.') || skippedFolders.includes(entry.name) ? [] : readTree(path);
    }
    if (!/\.(ts|mts|cts|hpp|cpp|h|cc|c)$/.test(entry.name)) return [];
    return [{ path: relative(root, path), text: readFileSync(path, 'utf8') }];
  });
}

// ----------------------------------------------------------------------------------------------- the tests

const files = readTree();
const scripts = files.filter((file) => /\.[mc]?ts$/.test(file.path));
const natives = files.filter((file) => /\.(hpp|cpp|h|cc|c)$/.test(file.path));

test('every TypeScript import is an arrow of the design', () => {
  const broken = scripts.flatMap((file) => importsOf(file).map((one) => brokenImport(file.path, one)));
  expect(broken.filter((one) => one !== null)).toEqual([]);
});

test('every C++ include is an arrow of the design, and only native/door knows Node', () => {
  const broken = natives.flatMap((file) => includesOf(file).map((one) => brokenInclude(file.path, one)));
  expect(broken.filter((one) => one !== null)).toEqual([]);
});

test(`no file is longer than ${maxLines} lines`, () => {
  const long = files.filter(
    (file) => !longByNature.test(file.path) && file.text.split('\n').length - 1 > maxLines,
  );
  expect(long.map((file) => file.path)).toEqual([]);
});

test('no folder or file is named after nothing', () => {
  const vague = files.filter(({ path }) =>
    path.split('/').some((part) => forbiddenFolders.includes(part.replace(/(\.test)?\.[a-z]+$/, ''))),
  );
  expect(vague.map((file) => file.path)).toEqual([]);
});

describe('the reading itself is not vacuous', () => {
  test('it sees the rooms, their files and their arrows', () => {
    const least: { readonly [room: string]: number } = {
      domain: 10,
      supervision: 20,
      actors: 10,
      'native/door': 1,
    };
    for (const [room, count] of Object.entries(least)) {
      expect(scripts.filter((file) => file.path.startsWith(`${room}/`)).length, room).toBeGreaterThanOrEqual(
        count,
      );
    }
    expect(natives.length).toBeGreaterThanOrEqual(20);
    expect(scripts.flatMap(importsOf).length).toBeGreaterThan(200);
    expect(natives.flatMap(includesOf).length).toBeGreaterThan(100);
  });

  test('it parses as many imports as there are lines that begin one', () => {
    for (const file of scripts) {
      const lines =
        withoutComments(file.text).match(/^import\b(?!\()|^export (type )?(\{|\*)[^;]* from\b/gm)?.length ??
        0;
      expect(importsOf(file).length, file.path).toBeGreaterThanOrEqual(lines);
    }
  });

  test('every arrow inside the tree leads to a file that is there', () => {
    const present = new Set(files.map((file) => `./${file.path}`));
    const lost = scripts.flatMap((file) =>
      importsOf(file)
        .filter(({ target }) => target.startsWith('./') && target.endsWith('.ts') && !present.has(target))
        .map(({ target }) => `${file.path} → ${target}`),
    );
    expect(lost).toEqual([]);
  });

  const bad: readonly { readonly claim: string; readonly path: string; readonly text: string }[] = [
    { claim: 'nact outside supervision', path: 'actors/attack/a.ts', text: `import { spawn } from 'nact';` },
    { claim: 'nact in the composition root', path: 'main.ts', text: `import * as nact from 'nact';` },
    { claim: 'Node in domain', path: 'domain/a.ts', text: `import { isIP } from 'node:net';` },
    {
      claim: 'Node in an actor',
      path: 'actors/script/a.ts',
      text: `import { spawn } from 'node:child_process';`,
    },
    {
      claim: 'supervision knowing actors',
      path: 'supervision/a.ts',
      text: `import type { A } from '../actors/attack/messages.js';`,
    },
    {
      claim: 'an actor using an integration',
      path: 'actors/journal/a.ts',
      text: `import { open } from '../../integrations/journal/sqlite.js';`,
    },
    {
      claim: "an actor using another's actor",
      path: 'actors/hostgroup/a.ts',
      text: `import { attack } from '../attack/actor.js';`,
    },
    {
      claim: "another room's messages as values",
      path: 'actors/hostgroup/a.ts',
      text: `import { A } from '../attack/messages.js';`,
    },
    {
      claim: 'a re-export over a border',
      path: 'config/a.ts',
      text: `export * from '../supervision/tree.js';`,
    },
    {
      claim: 'an import on several lines',
      path: 'config/a.ts',
      text: `import {\n  a,\n  type B,\n} from '../supervision/tree.js';`,
    },
    { claim: 'a dynamic import', path: 'config/a.ts', text: `const a = await ${'import'}('../main.js');` },
    { claim: 'an import for its effect', path: 'domain/a.ts', text: `import '../supervision/tree.js';` },
    {
      claim: 'an integration using another',
      path: 'integrations/sinks/a.ts',
      text: `import { b } from '../stores/redis.js';`,
    },
    {
      claim: 'main imported by a room',
      path: 'console/api/a.ts',
      text: `import { run } from '../../main.js';`,
    },
    {
      claim: 'a console that goes past control',
      path: 'console/tui/a.ts',
      text: `import type { A } from '../../actors/attack/messages.js';`,
    },
    {
      claim: 'traffic knowing actors',
      path: 'traffic/a.ts',
      text: `import { a } from '../actors/attack/actor.js';`,
    },
    { claim: 'a folder no rule knows', path: 'attic/a.ts', text: `import { a } from '../domain/units.js';` },
    { claim: 'napi.h below the door', path: 'native/engine/a.cpp', text: '#include <napi.h>' },
    { claim: 'quoted napi.h below the door', path: 'native/base/a.hpp', text: '#include "napi.h"' },
    { claim: 'base including wire', path: 'native/base/a.hpp', text: '#include "../wire/frame.hpp"' },
    {
      claim: 'counters including flow',
      path: 'native/counters/a.cpp',
      text: '  #  include "../flow/exporters.hpp"',
    },
    {
      claim: 'capture including the engine',
      path: 'native/capture/a.cpp',
      text: '#include "../engine/tick.hpp"',
    },
  ];
  for (const { claim, path, text } of bad) {
    test(`it catches ${claim}`, () => {
      const file = { path, text };
      const broken = path.endsWith('.ts')
        ? importsOf(file).map((one) => brokenImport(path, one))
        : includesOf(file).map((one) => brokenInclude(path, one));
      expect(broken.filter((one) => one !== null)).toHaveLength(1);
    });
  }

  const good: readonly { readonly path: string; readonly text: string }[] = [
    { path: 'actors/hostgroup/a.ts', text: `import type { A } from '../attack/messages.js';` },
    { path: 'actors/hostgroup/a.ts', text: `import { type A, type B } from '../attack/messages.js';` },
    { path: 'domain/a.test.ts', text: `import { test } from 'vitest';` },
    { path: 'console/cli/run.ts', text: `import { run } from '../../main.js';` },
    { path: 'domain/a.ts', text: `/* import { spawn } from 'nact'; */\n// import 'nact';` },
    { path: 'native/door/a.cpp', text: '#include <napi.h>\n#include "../engine/tick.hpp"' },
  ];
  for (const { path, text } of good) {
    test(`it lets pass: ${path} with ${text.split('\n')[0]}`, () => {
      const file = { path, text };
      const broken = path.endsWith('.ts')
        ? importsOf(file).map((one) => brokenImport(path, one))
        : includesOf(file).map((one) => brokenInclude(path, one));
      expect(broken.filter((one) => one !== null)).toEqual([]);
    });
  }
});
