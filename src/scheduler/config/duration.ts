import { parseDuration } from '../../machinery/codec/go-duration.ts';

/** `1m30s` in ms. Throws for what is no duration of Go's. */
export const durationMs = (text: string): number => Number(parseDuration(text)) / 1e6;
