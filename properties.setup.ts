/**
 * Property tests draw the same cases at every run, so that a red run is a change and never a draw.
 * PROPERTY_SEED=n npm test draws others.
 */
import { configureGlobal } from 'fast-check';

configureGlobal({ seed: Number(process.env.PROPERTY_SEED ?? 20_261_123) });
