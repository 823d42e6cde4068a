/** Quantities, formats, names and findings. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { findingList, maxFindings, renderFindings } from './findings.js';
import { editDistance, nearest } from './nearest.js';
import {
  confidenceText,
  durationText,
  type Reading,
  readConfidence,
  readDuration,
  readRate,
  readSize,
  sizeText,
} from './quantities.js';
import type { Finding } from './settings.js';

const outcome = <T>(reading: Reading<T>): T | 'refused' => (reading.ok ? reading.value : 'refused');

describe('quantities', () => {
  const durations = [
    ['1900s', 1_900_000],
    ['100ms', 100],
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['1d', 86_400_000],
    ['5 s', 5_000],
    ['0s', 0],
    ['5', 'refused'],
    ['-5s', 'refused'],
    ['5sec', 'refused'],
    ['s', 'refused'],
    ['1e3s', 'refused'],
    [5, 'refused'],
    [true, 'refused'],
    ['', 'refused'],
  ] as const;
  for (const [text, expected] of durations) {
    test(`duration ${text} is ${expected}`, () => assert.equal(outcome(readDuration(text)), expected));
  }
  test('the text of a duration or size reads back as the same', () => {
    fc.assert(fc.property(fc.nat(), (ms) => outcome(readDuration(durationText(ms))) === ms));
    fc.assert(fc.property(fc.nat(), (bytes) => outcome(readSize(sizeText(bytes))) === bytes));
  });

  const confidences = [
    ['95%', 0.95],
    ['99.9%', 0.999],
    ['99.99%', 0.9999],
    ['50 %', 0.5],
    ['off', null],
    ['49.9%', 'refused'],
    ['100%', 'refused'],
    ['0.95', 'refused'],
    [0.95, 'refused'],
    ['-95%', 'refused'],
    [false, 'refused'],
  ] as const;
  for (const [text, expected] of confidences) {
    test(`confidence ${text} is ${expected}`, () => assert.equal(outcome(readConfidence(text)), expected));
  }
  test('the text of a confidence reads back as the same', () => {
    for (const share of [0.5, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, null]) {
      assert.equal(outcome(readConfidence(confidenceText(share))), share);
    }
  });

  const rates = [
    ['20kpps', 'packets', 20_000],
    [20_000, 'packets', 20_000],
    ['20000', 'packets', 20_000],
    ['1.5Mpps', 'packets', 1_500_000],
    ['20k', 'packets', 20_000],
    ['1Gbit', 'packets', 'refused'],
    ['1Gbit', 'bits', 1_000],
    ['1gbps', 'bits', 1_000],
    ['100mbps', 'bits', 100],
    ['100Mbit/s', 'bits', 100],
    ['500kbit', 'bits', 0.5],
    [1_000, 'bits', 1_000],
    ['1G', 'bits', 'refused'],
    ['1GBps', 'bits', 'refused'],
    ['1 Mbyte/s', 'bits', 'refused'],
    ['3500', 'flows', 3_500],
    ['3.5kflows', 'flows', 3_500],
    ['20kpps', 'flows', 'refused'],
    ['off', 'flows', null],
    [0, 'packets', 'refused'],
    [-1, 'packets', 'refused'],
    [Number.NaN, 'packets', 'refused'],
    [Number.POSITIVE_INFINITY, 'packets', 'refused'],
    [false, 'packets', 'refused'],
  ] as const;
  for (const [text, unit, expected] of rates) {
    test(`rate ${text} in ${unit} is ${expected}`, () =>
      assert.equal(outcome(readRate(text, unit)), expected));
  }
  const sizes = [
    ['32MiB', 33_554_432],
    ['1kB', 1_000],
    ['1.5KiB', 1_536],
    ['256B', 256],
    ['0.3B', 'refused'],
    ['256b', 'refused'],
    ['32', 'refused'],
    [32, 'refused'],
  ] as const;
  for (const [text, expected] of sizes) {
    test(`size ${text} is ${expected}`, () => assert.equal(outcome(readSize(text)), expected));
  }
});

describe('the nearest name', () => {
  test('edits are counted, a swap as one', () => {
    assert.equal(editDistance('kitten', 'sitting'), 3);
    assert.equal(editDistance('whitelist', 'whtielist'), 1);
  });
  test('a distance is symmetric, and zero only for equals', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        assert.equal(editDistance(a, b), editDistance(b, a));
        assert.equal(editDistance(a, b) === 0, a === b);
      }),
    );
  });
  test('nothing is suggested that is far', () => {
    assert.equal(nearest('frobnicate', ['networks', 'window']), null);
    assert.equal(nearest('Netwroks', ['window', 'networks']), 'networks');
  });
});

describe('findings', () => {
  const finding = (over: Partial<Finding>): Finding => ({
    severity: 'error',
    file: 'a',
    line: 1,
    key: 'k',
    message: 'm',
    remedy: 'r',
    ...over,
  });
  test('one line each: place, severity, key, message and remedy', () => {
    const text = renderFindings([finding({}), finding({ line: null, key: null, severity: 'note' })], {
      color: false,
    });
    assert.equal(text, 'a:1: error: k: m; r\na: note: m; r\n');
  });
  test('colour changes nothing but colour', () => {
    const plain = renderFindings([finding({})], { color: false });
    const coloured = renderFindings([finding({})], { color: true });
    assert.notEqual(coloured, plain);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
    assert.equal(coloured.replace(/\u001b\[\d+m/g, ''), plain);
  });
  test('sorted by file and line, what is of the whole file last', () => {
    const list = findingList();
    for (const [file, line] of [
      ['b', 1],
      ['a', null],
      ['a', 9],
      ['a', 2],
    ] as const)
      list.add(finding({ file, line }));
    assert.deepEqual(
      list.all().map(({ file, line }) => `${file} ${line}`),
      ['a 2', 'a 9', 'a null', 'b 1'],
    );
  });
  test('the same is told once', () => {
    const list = findingList();
    list.add(finding({}));
    list.add(finding({}));
    assert.equal(list.all().length, 1);
  });
  test('beyond the bound they are counted, and an error stays one', () => {
    const list = findingList();
    for (let line = 1; line <= maxFindings + 5; line += 1) list.add(finding({ line }));
    assert.equal(list.all().length, maxFindings + 1);
    assert(list.all().some(({ message }) => message.startsWith('5 more')));
    assert(list.failed());
  });
});
