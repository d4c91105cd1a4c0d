/**
 * Cron schedules in a time zone, as upstream's library reads them: five fields (minute, hour, day of month, month, day of
 * week) of lists, ranges, steps and names, or a macro. A day matches when either of the two day fields does, if both are
 * restricted.
 *
 * A time that the zone skips (clocks go forward) does not come; one that it repeats (clocks go back) comes twice.
 */

export interface Schedule {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly daysOfMonth: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly daysOfWeek: ReadonlySet<number>;
  /** Whether the field is a star: then it does not restrict. */
  readonly anyDayOfMonth: boolean;
  readonly anyDayOfWeek: boolean;
  /** IANA name; undefined: UTC. */
  readonly timeZone: string | undefined;
  /** `@every 90s`: counted from whenever it is asked, so never in step with a clock. */
  readonly everyMs: number | undefined;
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const macros: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Throws an Error that says what is wrong. */
export function parseSchedule(text: string, timeZone?: string): Schedule {
  const every = /^@every (?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text.trim());
  const seconds = every ? Number(every[1] ?? 0) * 3600 + Number(every[2] ?? 0) * 60 + Number(every[3] ?? 0) : 0;
  if (timeZone !== undefined) localOf(0, timeZone);
  const fields = (every ? '* * * * *' : (macros[text.trim()] ?? text)).trim().split(/\s+/);
  if (fields.length !== 5)
    throw new Error(`schedule ${JSON.stringify(text)}: expected exactly 5 fields, found ${fields.length}`);
  if (every && seconds === 0) throw new Error(`schedule ${JSON.stringify(text)}: the interval is zero`);
  const [minute, hour, dayOfMonth, month, dayOfWeek] = fields as [string, string, string, string, string];
  const days = parseField(dayOfWeek, 0, 7, text, dayNames, 0);
  // Sunday has two numbers.
  if (days.delete(7)) days.add(0);
  return {
    minutes: parseField(minute, 0, 59, text),
    hours: parseField(hour, 0, 23, text),
    daysOfMonth: parseField(dayOfMonth, 1, 31, text),
    months: parseField(month, 1, 12, text, monthNames, 1),
    daysOfWeek: days,
    anyDayOfMonth: isAny(dayOfMonth),
    anyDayOfWeek: isAny(dayOfWeek),
    timeZone: timeZone === 'UTC' || timeZone === 'Etc/UTC' ? undefined : timeZone,
    everyMs: every ? seconds * 1000 : undefined,
  };
}

/** A star restricts nothing; one with a step does. */
const isAny = (field: string): boolean => field.split(',').some((part) => /^[*?](\/0*1)?$/.test(part));

function parseField(
  field: string,
  min: number,
  max: number,
  whole: string,
  names: readonly string[] = [],
  firstName = 0,
): Set<number> {
  const fail = (why: string): never => {
    throw new Error(`schedule ${JSON.stringify(whole)}: ${JSON.stringify(field)}: ${why}`);
  };
  const number = (text: string): number => {
    const name = names.indexOf(text.toLowerCase());
    if (name >= 0) return name + firstName;
    if (!/^\d+$/.test(text)) fail(`'${text}' is not a number`);
    const value = Number(text);
    if (value < min || value > max) fail(`${value} is out of range: ${min} to ${max}`);
    return value;
  };
  const out = new Set<number>();
  for (const part of field.split(',')) {
    const [range = '', stepText, extra] = part.split('/');
    if (extra !== undefined) fail('more than one slash');
    const step = stepText === undefined ? 1 : Number(stepText);
    if (!Number.isInteger(step) || step < 1) fail(`'${stepText}' is not a step`);
    let [from, to] = [min, max];
    if (range !== '*' && range !== '?') {
      const [low = '', high, more] = range.split('-');
      if (more !== undefined) fail('more than one hyphen');
      from = number(low);
      // `5/10`: from 5 on.
      to = high !== undefined ? number(high) : stepText === undefined ? from : max;
      if (from > to) fail(`the range begins (${from}) after its end (${to})`);
    } else if (names === dayNames) to = 6;
    for (let value = from; value <= to; value += step) out.add(value);
  }
  return out;
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
/** A schedule that has not matched for so long never will (30 February). */
const horizonMs = 5 * 366 * 24 * hourMs;

/** The first time after `afterMs` that matches; undefined: there is none. */
export function nextTime(schedule: Schedule, afterMs: number): number | undefined {
  if (schedule.everyMs !== undefined) return Math.floor((afterMs + schedule.everyMs) / 1000) * 1000;
  let ms = (Math.floor(afterMs / minuteMs) + 1) * minuteMs;
  const endMs = ms + horizonMs;
  while (ms < endMs) {
    const local = localOf(ms, schedule.timeZone);
    if (!schedule.months.has(local.month) || !matchesDay(schedule, local)) {
      // To the next day, but carefully over its beginning: it may come an hour sooner or later.
      const restOfHour = hourMs - local.minute * minuteMs;
      ms += local.hour < 21 ? (21 - local.hour) * hourMs + restOfHour : restOfHour;
    } else if (!schedule.hours.has(local.hour)) ms += hourMs - local.minute * minuteMs;
    else if (!schedule.minutes.has(local.minute)) ms += minuteMs;
    else return ms;
  }
  return undefined;
}

interface Local {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

function matchesDay(schedule: Schedule, { day, weekday }: Local): boolean {
  const ofMonth = schedule.daysOfMonth.has(day);
  const ofWeek = schedule.daysOfWeek.has(weekday);
  return schedule.anyDayOfMonth || schedule.anyDayOfWeek ? ofMonth && ofWeek : ofMonth || ofWeek;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function localOf(ms: number, timeZone: string | undefined): Local {
  // A wall clock of the zone, read as if it were UTC.
  const wall = new Date(timeZone === undefined ? ms : ms + offsetMs(ms, timeZone));
  return {
    month: wall.getUTCMonth() + 1,
    day: wall.getUTCDate(),
    weekday: wall.getUTCDay(),
    hour: wall.getUTCHours(),
    minute: wall.getUTCMinutes(),
  };
}

/** How far the zone's clocks are ahead of UTC at that time. Throws for a zone that is not known. */
export function offsetMs(ms: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (!format) {
    try {
      const digits = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
      format = new Intl.DateTimeFormat('en-US', { ...digits, second: 'numeric', hourCycle: 'h23', timeZone });
    } catch (cause) {
      throw new Error(`unknown time zone ${timeZone}`, { cause });
    }
    formats.set(timeZone, format);
  }
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(ms)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}
