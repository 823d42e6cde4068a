/**
 * The journal's own thread: everything that touches the database, so that no fsync stalls the daemon's main thread.
 *
 * Plain JavaScript, since a worker's entry must load as it lies, from the sources and from the build alike; the build
 * copies it. Requests come as `{id, op, …}` and are answered in order as `{id, ok: true, value}` or
 * `{id, ok: false, reason}`. The first message out says whether the database could be opened.
 */

import { parentPort, workerData } from 'node:worker_threads';
import Database from 'libsql';

const busyTimeoutMs = 2000;
/** After so many written attacks what is beyond the bounds is deleted, at most `pruneRows` rows of a table at once. */
const pruneEvery = 500;
const pruneRows = 2000;
/** After so many written templates the same for them. */
const pruneTemplatesEvery = 5_000;
/** No listener gives back a template that is older: it is the longest lifetime that can be configured. */
const templateAgeMicros = 7 * 86_400e6;

/** @type {{path: string, maxAttacks: number, maxTemplates: number}} */
const { path, maxAttacks, maxTemplates } = workerData;

/** A version of the schema each, on top of those before it. */
const migrations = [
  `
  CREATE TABLE attacks (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    record TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX attacks_by_end ON attacks (ended_at);
  CREATE INDEX attacks_by_subject ON attacks (subject, started_at);
  CREATE TABLE mitigations (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    since INTEGER NOT NULL,
    settled INTEGER NOT NULL,
    record TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX mitigations_active ON mitigations (settled, since);
`,
  `
  CREATE TABLE templates (
    listener TEXT NOT NULL,
    protocol TEXT NOT NULL,
    address TEXT NOT NULL,
    domain INTEGER NOT NULL,
    template_id INTEGER NOT NULL,
    options INTEGER NOT NULL,
    body BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (listener, protocol, address, domain, template_id)
  ) WITHOUT ROWID;
  CREATE INDEX templates_by_age ON templates (seen_at);
`,
  `
  CREATE TABLE notes (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) WITHOUT ROWID;
`,
];
const schemaVersion = migrations.length;

/** @param {unknown} error */
const reasonOf = (error) => (error instanceof Error ? error.message : String(error));

function open() {
  const db = new Database(path, { timeout: busyTimeoutMs });
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  const { user_version: version } = db.prepare('PRAGMA user_version').get();
  if (version > schemaVersion) {
    throw new Error(`its schema is version ${version}, this release knows ${schemaVersion}`);
  }
  if (version === 0) {
    const known = db.prepare('SELECT count(*) AS tables FROM sqlite_master').get();
    if (known.tables > 0) throw new Error('it is a database of something else');
  }
  if (version < schemaVersion) {
    const missing = migrations.slice(version).join('');
    db.exec(`BEGIN IMMEDIATE; ${missing} PRAGMA user_version = ${schemaVersion}; COMMIT`);
  }
  return db;
}

/** @param {{kind: 'host' | 'prefix', host?: string, prefix?: string}} subject */
const textOf = (subject) => (subject.kind === 'host' ? subject.host : subject.prefix);

/** @param {any} db */
function operations(db) {
  const putAttack = db.prepare(
    `INSERT INTO attacks (id, subject, started_at, ended_at, record) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, record = excluded.record`,
  );
  const putMitigation = db.prepare(
    `INSERT INTO mitigations (id, subject, since, settled, record) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET settled = excluded.settled, record = excluded.record`,
  );
  const active = db.prepare('SELECT record FROM mitigations WHERE settled = 0 ORDER BY since, id');
  const history = db.prepare(
    'SELECT record FROM attacks WHERE ended_at IS NOT NULL ORDER BY ended_at DESC, id DESC LIMIT ?',
  );
  const pruneAttacks = db.prepare(
    `DELETE FROM attacks WHERE id IN (SELECT id FROM attacks WHERE ended_at IS NOT NULL
     ORDER BY ended_at DESC LIMIT ? OFFSET ?)`,
  );
  const pruneMitigations = db.prepare(
    `DELETE FROM mitigations WHERE id IN (SELECT id FROM mitigations WHERE settled = 1
     ORDER BY since DESC LIMIT ? OFFSET ?)`,
  );
  const putTemplate = db.prepare(
    `INSERT INTO templates (listener, protocol, address, domain, template_id, options, body, seen_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (listener, protocol, address, domain, template_id)
     DO UPDATE SET options = excluded.options, body = excluded.body, seen_at = excluded.seen_at`,
  );
  const withdrawTemplate = db.prepare(
    `DELETE FROM templates
     WHERE listener = ? AND protocol = ? AND address = ? AND domain = ? AND template_id = ?`,
  );
  const templates = db.prepare(
    'SELECT * FROM (SELECT * FROM templates WHERE seen_at > ? ORDER BY seen_at DESC LIMIT ?) ORDER BY seen_at',
  );
  const pruneOldTemplates = db.prepare('DELETE FROM templates WHERE seen_at <= ?');
  const pruneTemplates = db.prepare(
    `DELETE FROM templates WHERE (listener, protocol, address, domain, template_id) IN
     (SELECT listener, protocol, address, domain, template_id FROM templates ORDER BY seen_at DESC LIMIT -1 OFFSET ?)`,
  );
  const putNote = db.prepare(
    'INSERT INTO notes (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );
  const dropNote = db.prepare('DELETE FROM notes WHERE key = ?');
  const notes = db.prepare('SELECT key, value FROM notes');
  let sincePruned = pruneEvery;
  let templatesSincePruned = pruneTemplatesEvery;

  /** @param {any} entry */
  const putTemplates = ({ listener, templates: list }) => {
    for (const one of list) {
      const { protocol, address, domain, templateId, options, body, seenAt } = one;
      if (body.length === 0) {
        withdrawTemplate.run(listener, protocol, address, domain, templateId);
        continue;
      }
      putTemplate.run(
        listener,
        protocol,
        address,
        domain,
        templateId,
        options ? 1 : 0,
        Buffer.from(body),
        seenAt,
      );
    }
    templatesSincePruned += list.length;
  };

  /** @param {any} entry */
  const put = (entry) => {
    if (entry.kind === 'templates') {
      putTemplates(entry);
      return;
    }
    if (entry.kind === 'attack') {
      const { attack } = entry;
      putAttack.run(
        attack.id,
        textOf(attack.subject),
        attack.startedAt,
        attack.endedAt,
        JSON.stringify(attack),
      );
      sincePruned++;
      return;
    }
    if (entry.kind === 'note') {
      if (entry.value === null) dropNote.run(entry.key);
      else putNote.run(entry.key, entry.value);
      return;
    }
    const { mitigation } = entry;
    const { state, notified, holdings } = mitigation;
    const settled = state === 'released' && notified === 'unban' && holdings.length === 0 ? 1 : 0;
    const subject = textOf(mitigation.attack.subject);
    putMitigation.run(mitigation.id, subject, mitigation.since, settled, JSON.stringify(mitigation));
  };

  return {
    /** @param {{entries: any[]}} request */
    append({ entries }) {
      db.exec('BEGIN IMMEDIATE');
      try {
        for (const entry of entries) put(entry);
        if (sincePruned >= pruneEvery) {
          pruneAttacks.run(pruneRows, maxAttacks);
          pruneMitigations.run(pruneRows, maxAttacks);
          sincePruned = 0;
        }
        if (templatesSincePruned >= pruneTemplatesEvery) {
          pruneOldTemplates.run(Date.now() * 1000 - templateAgeMicros);
          pruneTemplates.run(maxTemplates);
          templatesSincePruned = 0;
        }
        db.exec('COMMIT');
      } catch (error) {
        if (db.inTransaction) db.exec('ROLLBACK');
        throw error;
      }
      return null;
    },
    active: () => active.all().map((/** @type {{record: string}} */ row) => JSON.parse(row.record)),
    /** @param {{limit: number}} request */
    history: ({ limit }) =>
      history.all(limit).map((/** @type {{record: string}} */ row) => JSON.parse(row.record)),
    notes: () =>
      new Map(notes.all().map((/** @type {{key: string, value: string}} */ row) => [row.key, row.value])),
    /** @param {{sentAfter: number}} request */
    templates: ({ sentAfter }) => templates.all(sentAfter, maxTemplates).map(keptOf),
    close() {
      db.close();
      return null;
    },
  };
}

/** @param {any} row */
const keptOf = (row) => ({
  listener: row.listener,
  template: {
    protocol: row.protocol,
    address: row.address,
    domain: row.domain,
    templateId: row.template_id,
    options: row.options === 1,
    body: new Uint8Array(row.body),
    seenAt: row.seen_at,
  },
});

function serve() {
  let ops;
  try {
    ops = operations(open());
  } catch (error) {
    parentPort?.postMessage({ id: 0, ok: false, reason: reasonOf(error) });
    return;
  }
  parentPort?.postMessage({ id: 0, ok: true, value: null });
  parentPort?.on('message', (request) => {
    try {
      const value = ops[request.op](request);
      parentPort?.postMessage({ id: request.id, ok: true, value });
    } catch (error) {
      parentPort?.postMessage({ id: request.id, ok: false, reason: reasonOf(error) });
    }
    if (request.op === 'close') parentPort?.close();
  });
}

serve();
