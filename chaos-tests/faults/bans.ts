/**
 * Bans that come and go by hand while something is broken, and what may be said of them afterwards.
 *
 * Each host is banned once and at most unbanned once, so whether a router may have seen its route go is plain. An order that
 * was never answered may or may not have been carried out: then the daemon's own list decides.
 */
import { ask } from '../../console/api/client.js';
import type { Home } from '../harness.js';

export type Orders = {
  /** Sends the next order, a ban as a rule, and does not wait for it. */
  readonly next: () => void;
  /** Waits for every answer, or for the end of who would give it. */
  readonly settled: () => Promise<void>;
  /** Hosts whose ban was confirmed and whose unban was never asked for. */
  readonly staying: () => readonly string[];
  /** Hosts whose unban was asked for, from when; milliseconds since the Unix epoch. */
  readonly unbanAsked: () => ReadonlyMap<string, number>;
  /** Hosts whose unban was confirmed. */
  readonly gone: () => readonly string[];
};

const answerLimitMs = 5_000;
/** Of the hosts whose ban is confirmed one in so many stays. */
const staysOneIn = 3;

export function orders(home: Home, networks: { readonly ipv4: string; readonly ipv6: string }): Orders {
  const banned: string[] = [];
  const leaving = new Map<string, number>();
  const gone: string[] = [];
  const pending = new Set<Promise<void>>();
  const staying = new Set<string>();
  let serial = 0;
  const order = (request: Parameters<typeof ask>[1], done: () => void): void => {
    const asked = ask(home.socket, request, answerLimitMs).then(
      (answer) => {
        if (answer.ok) done();
      },
      () => {}, // killed meanwhile
    );
    const settled = asked.finally(() => pending.delete(settled));
    pending.add(settled);
  };
  const ban = (): void => {
    serial += 1;
    const number = serial;
    const host = number % 4 === 0 ? `${networks.ipv6}${number.toString(16)}` : `${networks.ipv4}${number}`;
    order({ kind: 'ban', host, forMs: null, comment: 'chaos' }, () => {
      if (number % staysOneIn === 0) staying.add(host);
      else banned.push(host);
    });
  };
  const unban = (host: string): void => {
    leaving.set(host, Date.now());
    order({ kind: 'unban', host }, () => gone.push(host));
  };
  return {
    next: () => {
      const host = banned.length > 2 ? banned.shift() : undefined;
      if (host === undefined) ban();
      else unban(host);
    },
    settled: async () => {
      await Promise.all(pending);
    },
    staying: () => [...staying, ...banned],
    unbanAsked: () => leaving,
    gone: () => gone,
  };
}
