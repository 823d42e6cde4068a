/** What others count otherwise than the detector, each found by reading the bytes. tshark 4.0, nfdump 1.7. */
import type { Fault } from './verdict.js';

const bothWays =
  'a bidirectional record (RFC 5103) is one to it, and two to the detector, one for each direction';
const statistics =
  "the exporter's own packetTotalCount, in options data, lies among those of flows in its fields";
const bytesAlone =
  'records that hold bytes and no packet count are no packets to it, and one each to the detector';

const biflows = ['ipfix_test_yaf_tpls_option_tpl.dat', 'ipfix_example/ipfix_0.bin'];
const asa = 'netflow9_test_cisco_asa_1_tpl.dat';

export const knownFaults: readonly Fault[] = [
  ...biflows.flatMap((ending): readonly Fault[] => [
    { ending, claimant: 'expected.json', column: 'records', why: bothWays },
    { ending, claimant: 'nfcapd', column: 'records', why: bothWays },
    { ending, claimant: 'tshark', column: 'packets', why: statistics },
  ]),
  { ending: asa, claimant: 'tshark', column: 'packets', why: bytesAlone },
  { ending: asa, claimant: 'nfcapd', column: 'packets', why: bytesAlone },
];
