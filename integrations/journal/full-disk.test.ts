/** A disk that is really full: a file system of 600 kB in memory. Skipped by name where none may be mounted. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { aMitigation, anAttack } from '../../domain/rehearsal.js';
import { openJournal } from './journal.js';

const disk = mkdtempSync(join(tmpdir(), 'tidegate-full-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=600k', 'tmpfs', disk]).status === 0;
afterAll(() => {
  if (mounted) spawnSync('umount', [disk]);
  rmSync(disk, { recursive: true, force: true });
});

test.skipIf(!mounted)(
  'a full disk fails the write and says so; with room again it goes on; nothing written is lost',
  async () => {
    const ballast = join(disk, 'ballast');
    writeFileSync(ballast, Buffer.alloc(300_000));
    const opened = await openJournal({ dir: join(disk, 'state') });
    assert.ok(opened.ok);
    const journal = opened.value;
    const write = (serial: number) => {
      const attack = anAttack({}, serial);
      return journal.append([
        { kind: 'mitigation', mitigation: aMitigation({ attack, comment: 'x'.repeat(1500) }) },
      ]);
    };
    let written = 0;
    for (let result = await write(0); result.ok; result = await write(written)) written++;
    const refused = await write(written);
    assert.ok(
      !refused.ok && refused.error.code === 'JOURNAL_UNWRITABLE' && /full/.test(refused.error.detail),
    );
    rmSync(ballast);
    assert.ok((await write(written)).ok);
    await journal.close();
    const again = await openJournal({ dir: join(disk, 'state') });
    assert.ok(again.ok);
    const active = await again.value.active();
    assert.equal(active.ok && active.value.length, written + 1);
    await again.value.close();
  },
);
