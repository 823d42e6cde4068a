import { expect, test } from 'vitest';
import { ask } from './ask.js';
import type { Behaviour, Context } from './behaviour.js';
import { manualTime } from './manual-time.js';
import { createPlace } from './place.js';
import { actor, idle, pass, startOn, supervisor, tenancy } from './rehearsal.js';
import type { Exit, Restart } from './spec.js';

type ChildMessage = 'crash' | 'finish';
type ParentMessage =
  | { readonly kind: 'run'; readonly run: (context: Context<ParentMessage>) => unknown }
  | { readonly kind: 'ended'; readonly exit: Exit };

/** A parent that does what it is told with its context, and a child that crashes or finishes when told. */
async function family(log: string[] = []) {
  const time = manualTime();
  const place = createPlace<ParentMessage>('parent');
  const exits: string[] = [];
  const tree = await startOn(
    time,
    supervisor('root', [
      place.child(
        tenancy(
          (): Behaviour<null, ParentMessage> => ({
            name: 'parent',
            init: (context) => {
              log.push(`+parent${context.generation}`);
              return null;
            },
            receive: (_, message, context) => {
              if (message.kind === 'run') message.run(context);
              else exits.push(`${message.exit.id} ${message.exit.reason} ${message.exit.error ?? ''}`.trim());
              return null;
            },
            stop: (_, context) => {
              log.push(`-parent${context.generation}`);
            },
          }),
        ),
      ),
    ]),
  );
  const child = (id: string, restart: Restart = 'transient') =>
    actor(
      id,
      (): Behaviour<null, ChildMessage> => ({
        name: id,
        init: (context) => {
          log.push(`+${id}${context.generation}`);
          return null;
        },
        receive: (_, message, context) => {
          if (message === 'crash') throw new Error('crash');
          context.finish();
          return null;
        },
        stop: (_, context) => {
          log.push(`-${id}${context.generation}`);
        },
      }),
      { restart },
    );
  const run = async <R>(what: (context: Context<ParentMessage>) => R): Promise<R> => {
    const answer = await ask<ParentMessage, { value: R } | { error: unknown }>(
      place.ref,
      (reply) => ({
        kind: 'run',
        run: (context) => {
          try {
            reply({ value: what(context) });
          } catch (error) {
            reply({ error });
          }
        },
      }),
      1000,
    );
    await idle();
    if (!answer.ok) throw new Error(answer.error.detail);
    if ('error' in answer.value) throw answer.value.error;
    return answer.value.value;
  };
  const watched = (id: string, restart: Restart = 'transient') =>
    run((context) => {
      const ref = context.spawn(child(id, restart));
      context.watch(ref, (exit) => ({ kind: 'ended', exit }));
      return ref;
    });
  const nodes = () => tree.snapshot().children[0]?.children ?? [];
  return { time, tree, log, exits, run, child, watched, nodes, parent: place.ref };
}

test('a child of an actor is seen in the tree, under a path of its own', async () => {
  const { tree, run, child, nodes } = await family();
  const ref = await run((context) => context.spawn(child('attack/203.0.113.7')));
  expect(nodes().map((node) => [node.id, node.state, node.generation])).toEqual([
    ['attack/203.0.113.7', 'running', 1],
  ]);
  expect(tree.ref('root/parent/attack/203.0.113.7')).toBe(ref);
  expect(await run((context) => context.children())).toEqual(['attack/203.0.113.7']);
  await tree.stop();
});

test('a crash of a child restarts that child alone', async () => {
  const { time, tree, log, watched, nodes, exits } = await family();
  const x = await watched('x');
  await watched('y');
  log.splice(0);
  x.send('crash');
  await pass(time, 1000);
  expect(log).toEqual(['-x1', '+x2']);
  expect(nodes().map((node) => node.restarts)).toEqual([1, 0]);
  expect(exits).toEqual([]);
  await tree.stop();
});

test('a child that is done is gone: watchers are told, its id is free, its address is dead', async () => {
  const { tree, watched, nodes, exits, run, child } = await family();
  const x = await watched('x');
  x.send('finish');
  await idle();
  expect([exits, nodes()]).toEqual([['x done'], []]);
  expect(x.send('finish')).toBe(false);
  const again = await run((context) => context.spawn(child('x')));
  expect(again.send('finish')).toBe(true);
  await tree.stop();
});

test('a taken id throws', async () => {
  const { tree, watched, run, child } = await family();
  await watched('x');
  await expect(run((context) => context.spawn(child('x')))).rejects.toThrow('taken');
  await tree.stop();
});

test('a child that spends its budget ends as gave_up; its siblings and its parent live on', async () => {
  const { time, tree, watched, nodes, exits } = await family();
  const x = await watched('x');
  await watched('y');
  for (let n = 0; n < 6; n++) {
    x.send('crash');
    await pass(time, 11_000);
  }
  expect(exits).toEqual(['x gave_up x: Error: crash']);
  expect(nodes().map((node) => [node.id, node.restarts])).toEqual([['y', 0]]);
  expect(tree.snapshot().children[0]).toMatchObject({ generation: 1, state: 'running' });
  await tree.stop();
});

test('a temporary child that crashes is gone, with its error', async () => {
  const { tree, watched, nodes, exits } = await family();
  const x = await watched('x', 'temporary');
  x.send('crash');
  await idle();
  expect([exits, nodes()]).toEqual([['x crashed Error: crash'], []]);
  await tree.stop();
});

test('stopChild stops one child in order and resolves when it is gone', async () => {
  const { tree, log, watched, run, exits } = await family();
  await watched('x');
  await watched('y');
  log.splice(0);
  await (await run((context) => ({ gone: context.stopChild('x') }))).gone;
  await idle();
  expect([log, exits]).toEqual([['-x1'], ['x stopped']]);
  await (await run((context) => ({ gone: context.stopChild('nobody') }))).gone;
  await tree.stop();
});

test('stopChild reaches a child that rests before its restart', async () => {
  const { time, tree, watched, run, nodes, log } = await family();
  const x = await watched('x');
  x.send('crash');
  await idle();
  expect(nodes()[0]).toMatchObject({ state: 'backing_off' });
  await (await run((context) => ({ gone: context.stopChild('x') }))).gone;
  await pass(time, 1000);
  expect([nodes(), log.includes('+x2')]).toEqual([[], false]);
  await tree.stop();
});

test('a restart of the parent takes its children down first, the last born first', async () => {
  const { time, tree, log, watched, parent, nodes } = await family();
  await watched('x');
  await watched('y');
  log.splice(0);
  parent.send({
    kind: 'run',
    run: () => {
      throw new Error('crash');
    },
  });
  await pass(time, 20);
  expect(log).toEqual(['-y1', '-x1', '-parent1', '+parent2']);
  expect(nodes()).toEqual([]);
  await tree.stop();
});

test('a child that will not stop holds its parent up to its deadline and no longer', async () => {
  const { time, tree, log, run } = await family();
  await run((context) => {
    context.spawn(
      actor('stuck', () => ({
        name: 'stuck',
        init: () => null,
        receive: () => null,
        stop: () => new Promise<void>(() => {}),
      })),
    );
  });
  const stopped = tree.stop();
  await pass(time, 999);
  expect(log).not.toContain('-parent1');
  await pass(time, 1);
  await stopped;
  expect(log).toContain('-parent1');
});

test('an actor that is stopping takes no more children', async () => {
  const { tree, run, child } = await family();
  const held = await run((context) => ({ context }));
  await tree.stop();
  expect(() => held.context.spawn(child('late'))).toThrow('stopping');
});

test('a watch of a place that has ended already tells at once', async () => {
  const { tree, watched, run, exits } = await family();
  const x = await watched('x');
  x.send('finish');
  await idle();
  await run((context) => context.watch(x, (exit) => ({ kind: 'ended', exit })));
  expect(exits).toEqual(['x done', 'x done']);
  await tree.stop();
});

test('a watch that was cancelled, or whose incarnation is over, tells nothing', async () => {
  const { time, tree, run, child, exits, parent } = await family();
  const x = await run((context) => context.spawn(child('x')));
  await run((context) => context.watch(x, (exit) => ({ kind: 'ended', exit }))());
  x.send('finish');
  await idle();
  await run((context) => {
    const y = context.spawn(child('y'));
    context.watch(y, (exit) => ({ kind: 'ended', exit }));
  });
  parent.send({
    kind: 'run',
    run: () => {
      throw new Error('crash'); // y goes down with its parent, whose watch is gone by then
    },
  });
  await pass(time, 100);
  expect(exits).toEqual([]);
  await tree.stop();
});
