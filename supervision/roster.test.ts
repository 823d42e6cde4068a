/** A roster on the real kernel: who comes, who goes, and who is left alone. */
import { expect, test } from 'vitest';
import { manualTime } from './manual-time.js';
import { createPlace } from './place.js';
import { actor, idle, pass, startOn, supervisor } from './rehearsal.js';
import { type RosterMessage, rosterActor, type Wanted } from './roster.js';

async function roster() {
  const time = manualTime();
  const log: string[] = [];
  const broken = new Set<string>();
  const place = createPlace<RosterMessage>('roster');
  const tree = await startOn(time, supervisor('root', [place.child(rosterActor('roster', 1_000))]));
  const wanted = (name: string): Wanted => {
    const [id = '', edition = '1'] = name.split('@');
    const behaviour = () => ({
      name: id,
      init: () => {
        log.push(`+${name}`);
        if (broken.has(id)) throw new Error('broken');
        return null;
      },
      receive: (state: null) => state,
      stop: () => void log.push(`-${name}`),
    });
    return { edition, spec: actor<null, 'unused'>(id, behaviour) };
  };
  const arrange = async (...names: readonly string[]): Promise<boolean> => {
    let done = false;
    place.ref.send({
      kind: 'arrange',
      wanted: names.map(wanted),
      done: () => {
        done = true;
      },
    });
    await idle(24);
    return done;
  };
  const children = () => tree.snapshot().children[0]?.children.map(({ id }) => id);
  return { time, log, broken, place, tree, arrange, children };
}

test('children start in order and stop last come, first gone', async () => {
  const { log, tree, arrange, children } = await roster();
  expect(await arrange('a', 'b', 'c')).toBe(true);
  expect(children()).toEqual(['a', 'b', 'c']);
  await arrange('b');
  expect(log).toEqual(['+a', '+b', '+c', '-c', '-a']);
  await tree.stop();
});

test('who is wanted as before is left alone, another edition replaces', async () => {
  const { log, tree, arrange } = await roster();
  await arrange('a@1', 'b@1');
  await arrange('a@1', 'b@2', 'c@1');
  expect(log).toEqual(['+a@1', '+b@1', '-b@1', '+b@2', '+c@1']);
  await tree.stop();
});

test('a child that gives up is tried again later, and its siblings never notice', async () => {
  const { time, log, broken, tree, arrange, children } = await roster();
  broken.add('a');
  await arrange('a', 'b');
  await pass(time, 60_000);
  expect(children()).toContain('b');
  broken.delete('a');
  await pass(time, 60_000);
  expect(children()?.sort()).toEqual(['a', 'b']);
  expect(log.filter((line) => line === '+b').length).toBe(1);
  await tree.stop();
});
