/**
 * From where on something is a diagnosis, and how much has to be seen before it is one. A healthy exporter, and one that
 * has just been started, stays below all of these.
 */

/** Templates: routers send them every 1 to 10 minutes unless told otherwise, so patience that short is no finding. */
export const templatePatienceSeconds = 120;
/** One set may be a datagram that overtook its template. */
export const leastSetsWithoutTemplate = 10;
/** Vendors' defaults end at 10 minutes (RFC 7011 section 10.3.6 leaves it open); MikroTik's 30 are too long after a restart. */
export const longTemplateIntervalSeconds = 600 * 1.1;

/** Too few records say nothing of how a device samples. */
export const leastSampledRecords = 1_000;
/** Sampled at 1 in 100 or more, hardly any flow is seen with a second packet; unsampled flows average ten. */
export const sampledPacketsPerRecord = 1.2;
/** Floods from forged addresses have one packet a record, too, but of few bytes. */
export const sampledBytesPerPacket = 200;
/** A new rate can cross records that were measured by the old one. */
export const leastSamplingConflicts = 10;
export const samplingConflictShare = 0.01;

/** 60 s is what remedies ask for and detection is tested with; devices sweep their caches up to a quarter late. */
export const longActiveTimeoutSeconds = 75;
/** Juniper's default is 60 s, all others' 15; sweeping late as above. */
export const longInactiveTimeoutSeconds = 75;
/** Unspread, a record that is a little longer than the window still counts about right. */
export const windowSlackSeconds = 1;

/** More loss moves rates by more than sampling's own error at thresholds that matter. */
export const lossShare = 0.001;
/** In datagrams; a few belong to any reboot on the way. */
export const leastDatagramsLost = 5;
/** The first datagrams of a device are short, and say little of how many records were in those that are missing. */
export const leastDatagramsForMean = 30;

export const leastDatagramsForSkew = 10;

/** An edge router reports some transit; all of it outside is a list of networks that does not fit. */
export const outsideShare = 0.95;
export const leastOutsideRecords = 1_000;

export const shortHeaderShare = 0.05;
export const leastShortHeaders = 50;

/** Of another protocol, refused, or on the wire alone: fewer may be somebody's scan. */
export const leastStrayDatagrams = 10;
export const leastRefusedDatagrams = 10;
export const leastWireDatagrams = 3;

/** No exporter with traffic waits so long: active timeouts and sFlow counters come before. */
export const silenceSeconds = 180;
/** … and none so many times its usual gap. */
export const silenceGaps = 20;
export const leastDatagramsForSilence = 10;
