import { describe, expect, it } from 'vitest';
import { formatDuration, humanDuration, parseDuration } from '../../src/lib/durations.ts';

describe('durations', () => {
  it.each([
    ['PT5M', 300_000],
    ['PT0.2S', 200],
    ['P1DT12H', 129_600_000],
    ['PT0S', 0],
    ['-PT5M', undefined],
    ['P1M', undefined],
    ['P1W', undefined],
    ['5', undefined],
    ['', undefined],
  ])('%s is read as %s ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    [0, 'PT0S', '0 ms'],
    [199.6, 'PT0.2S', '200 ms'],
    [4_100, 'PT4.1S', '4.1 s'],
    [72_000, 'PT1M12S', '1 min 12 s'],
    [3_600_000, 'PT1H', '1 h'],
    [23_601_600_000, 'P273DT4H', '273 d 4 h'],
  ])('%s ms are written as %s and %s', (ms, iso, human) => {
    expect(formatDuration(ms)).toBe(iso);
    expect(humanDuration(ms)).toBe(human);
  });
});
