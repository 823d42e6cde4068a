/** The validated values of receivers of notices in the program's units. A part of `yaml-plan.ts`. */
import type { Section, ValuesOf } from './declaration.js';
import type { noticeKeys } from './notice-schema.js';
import { readDuration, splitEndpoint } from './quantities.js';
import type { ReceiverSettings } from './settings.js';
import { sure } from './sure.js';

type NoticeValues = ValuesOf<Section<typeof noticeKeys>>;

const there = <T>(values: readonly (T | undefined)[]): readonly T[] =>
  values.filter((value) => value !== undefined);

/** `origins`: where in the file each is. */
export function receiversOf(values: NoticeValues, origins: Map<object, string>): readonly ReceiverSettings[] {
  const all: ReceiverSettings[] = [];
  const add = <V extends { readonly name: string; readonly deadline: string }>(
    key: keyof NoticeValues,
    list: readonly (V | undefined)[],
    make: (value: V, common: { readonly name: string; readonly deadlineMs: number }) => ReceiverSettings,
  ): void => {
    for (const [index, value] of list.entries()) {
      if (value === undefined) continue;
      const one = make(value, { name: value.name, deadlineMs: sure(readDuration(value.deadline)) });
      origins.set(one, `notify.${key}[${index}]`);
      all.push(one);
    }
  };
  add('webhooks', values.webhooks, ({ url, secret }, common) => ({
    kind: 'webhook',
    ...common,
    url,
    secret,
  }));
  add('slack', values.slack, ({ url }, common) => ({ kind: 'slack', ...common, url }));
  add('telegram', values.telegram, ({ server, token, chat }, common) => ({
    kind: 'telegram',
    ...common,
    server,
    token,
    chat,
  }));
  add('mail', values.mail, (one, common) => {
    const { address, port } = sure(splitEndpoint(one.server));
    return {
      kind: 'mail',
      ...common,
      server: address,
      port,
      security: one.security as 'starttls',
      user: one.user,
      password: one.password,
      from: one.from,
      to: there(one.to),
    };
  });
  return all;
}
