import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import type { StoredTemplate } from '../../domain/flow.js';
import { goodTemplates, notWritten, shelve, templateShelf, toWrite } from './templates.js';

const template = (templateId: number, seenAt = 0, address = '192.0.2.1'): StoredTemplate => ({
  protocol: 'ipfix',
  address,
  domain: 0,
  templateId,
  options: false,
  body: Uint8Array.of(templateId & 255),
  seenAt,
});
const ids = (list: readonly StoredTemplate[]): readonly number[] => list.map(({ templateId }) => templateId);
const lifetime = 1_000;

test('what the journal has is good at once and not written again', () => {
  const shelf = templateShelf([template(257, 5), template(256, 3)], 10);
  assert.deepEqual(ids(goodTemplates(shelf, 10, lifetime)), [256, 257]);
  assert.deepEqual(toWrite(shelf, 10), []);
});

test('what comes is written once, and again when it comes anew', () => {
  const shelf = templateShelf([], 10);
  shelve(shelf, [template(256), template(257)]);
  assert.deepEqual(ids(toWrite(shelf, 1)), [256]);
  assert.deepEqual(ids(toWrite(shelf, 9)), [257]);
  assert.deepEqual(toWrite(shelf, 9), []);
  shelve(shelf, [template(256, 7)]);
  assert.deepEqual(
    toWrite(shelf, 9).map(({ seenAt }) => seenAt),
    [7],
  );
});

test('what the journal did not take is offered again, unless a newer one has come', () => {
  const shelf = templateShelf([], 10);
  shelve(shelf, [template(256), template(257)]);
  const offered = toWrite(shelf, 10);
  shelve(shelf, [template(257, 9)]);
  notWritten(shelf, offered);
  assert.deepEqual(
    toWrite(shelf, 10)
      .map(({ templateId, seenAt }) => [templateId, seenAt])
      .sort(),
    [
      [256, 0],
      [257, 9],
    ],
  );
});

const withdrawal = (templateId: number): StoredTemplate => ({
  ...template(templateId, 5),
  body: new Uint8Array(0),
});

test('a withdrawn template is not given back, the journal is told once, and again where it did not listen', () => {
  const shelf = templateShelf([template(256), template(257)], 10);
  shelve(shelf, [withdrawal(256)]);
  assert.deepEqual(ids(goodTemplates(shelf, 10, lifetime)), [257]);
  const told = toWrite(shelf, 10);
  assert.deepEqual(told, [withdrawal(256)]);
  assert.deepEqual(toWrite(shelf, 10), []);
  assert.equal(shelf.templates.size, 1);
  notWritten(shelf, told);
  assert.deepEqual(toWrite(shelf, 10), [withdrawal(256)]);
  shelve(shelf, [template(256, 9)]);
  notWritten(shelf, told);
  assert.deepEqual(toWrite(shelf, 10), [template(256, 9)]);
  assert.deepEqual(ids(goodTemplates(shelf, 10, lifetime)), [257, 256]);
});

test('withdrawals take no more room than templates do', () => {
  const shelf = templateShelf([], 4);
  for (let id = 256; id < 300; id += 1) shelve(shelf, [withdrawal(id)]);
  assert.equal(shelf.templates.size, 4);
  assert.equal(shelf.evicted, 40);
});

test('a template past its lifetime is not given back', () => {
  const shelf = templateShelf([template(256, 100), template(257, 900)], 10);
  assert.deepEqual(ids(goodTemplates(shelf, 1_100, lifetime)), [257]);
});

test('a smaller bound after a reload holds from the next template on', () => {
  const shelf = templateShelf([template(1), template(2, 1), template(3, 2)], 10);
  shelf.bound = 2;
  shelve(shelf, [template(4, 3)]);
  assert.deepEqual(ids(goodTemplates(shelf, 5, lifetime)), [3, 4]);
});

test('whatever is shelved, the bound holds and the latest of each id stays', () => {
  const any = fc.record({ id: fc.nat(40), seenAt: fc.nat(100), address: fc.constantFrom('a', 'b') });
  fc.assert(
    fc.property(fc.array(any), fc.integer({ min: 1, max: 30 }), (events, bound) => {
      const shelf = templateShelf([], bound);
      for (const { id, seenAt, address } of events) shelve(shelf, [template(id, seenAt, address)]);
      const good = goodTemplates(shelf, 0, lifetime);
      assert(good.length <= bound);
      assert(shelf.unwritten.size <= shelf.templates.size);
      const last = events.at(-1);
      if (last !== undefined) {
        assert.deepEqual(good.at(-1), template(last.id, last.seenAt, last.address));
      }
      for (const one of good) {
        const latest = events
          .filter(({ id, address }) => id === one.templateId && address === one.address)
          .at(-1);
        assert.equal(one.seenAt, latest?.seenAt);
      }
    }),
  );
});
