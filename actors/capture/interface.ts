/** One capture interface: its packets' counters to the hostgroups, its health to who asks. */
import type { ChildSpec } from '../../supervision/spec.js';
import type { SourceMessage } from './messages.js';
import {
  closeSensor,
  near,
  reportOf,
  type Sensor,
  type SensorDeps,
  startSensor,
  survey,
  tick,
} from './sensor.js';

/** Ticks and surveys wait at most once each; the rest is for reports. */
const mailboxBound = 64;
const stopDeadlineMs = 1_000;
const busyLimitMs = 10_000;

export const interfaceActor = (deps: SensorDeps): ChildSpec<Sensor, SourceMessage> => ({
  kind: 'actor',
  id: deps.name,
  restart: 'permanent',
  mailbox: { bound: mailboxBound, overflow: { kind: 'drop_new' } },
  stopDeadlineMs,
  busyLimitMs,
  behaviour: () => ({
    name: 'interface',
    init: (context) => startSensor('interface', deps, context),
    receive(sensor, message, context) {
      switch (message.kind) {
        case 'tick':
          return tick(sensor, context);
        case 'near':
          return near(sensor, context);
        case 'survey':
          survey(sensor, context);
          return sensor;
        case 'report':
          message.reply(reportOf(sensor));
          return sensor;
        case 'exporters':
          message.reply([]);
          return sensor;
      }
    },
    stop: closeSensor,
  }),
});
