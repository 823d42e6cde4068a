/** Sends a capture's frames out of an interface and prints what was sent; run inside the sender's namespace. */
import { parseArgs } from 'node:util';
import { loadDoor } from '../native/door/load.js';

const { values } = parseArgs({
  options: {
    interface: { type: 'string' },
    path: { type: 'string' },
    /** packets per second; else the capture's own times */
    pps: { type: 'string' },
    loops: { type: 'string', default: '1' },
  },
});
if (values.interface === undefined || values.path === undefined)
  throw new Error('--interface and --path are needed');
const sent = await loadDoor().sendFrames({
  interface: values.interface,
  path: values.path,
  packetsPerSecond: values.pps === undefined ? null : Number(values.pps),
  loops: Number(values.loops),
});
console.log(JSON.stringify(sent));
