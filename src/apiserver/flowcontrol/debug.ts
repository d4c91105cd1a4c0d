/** What priority and fairness is doing, as text for people: /debug/api_priority_and_fairness/dump_... */
import { textResponse } from '../filters/status-response.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import type { FlowControl } from './flow-control.ts';

const prefix = '/debug/api_priority_and_fairness/';

/** Undefined for other paths. */
export function answerDump(flowControl: FlowControl, path: string): WireResponse | undefined {
  if (!path.startsWith(prefix)) return undefined;
  const rows = dumps[path.slice(prefix.length)]?.(flowControl);
  return rows && textResponse(200, table(rows));
}

type Row = readonly (string | number | boolean)[];

const dumps: Readonly<Record<string, (flowControl: FlowControl) => readonly Row[]>> = {
  dump_priority_levels: (flowControl) => [
    [
      'PriorityLevelName',
      'ActiveQueues',
      'IsIdle',
      'IsQuiescing',
      'WaitingRequests',
      'ExecutingRequests',
      'DispatchedRequests',
      'RejectedRequests',
      'TimedoutRequests',
      'CancelledRequests',
    ],
    ...flowControl
      .levels()
      .map((level) => [
        level.name,
        level.queues().filter((q) => q.entries.length > 0 || q.executing > 0).length,
        level.executing === 0 && level.waiting === 0,
        false,
        level.waiting,
        level.executing,
        level.counts.dispatched,
        level.counts.rejected,
        level.counts.timedOut,
        level.counts.cancelled,
      ]),
  ],
  dump_queues: (flowControl) => [
    ['PriorityLevelName', 'Index', 'PendingRequests', 'ExecutingRequests', 'SeatsInUse', 'NextDispatchR'],
    ...flowControl
      .levels()
      .flatMap((level) =>
        level.queues().map((q, i) => [level.name, i, q.entries.length, q.executing, q.seatsInUse, q.start.toFixed(8)]),
      ),
  ],
  dump_requests: (flowControl) => [
    [
      'PriorityLevelName',
      'FlowSchemaName',
      'QueueIndex',
      'RequestIndexInQueue',
      'FlowDistingsher',
      'ArriveTime',
      'InitialSeats',
    ],
    ...flowControl
      .levels()
      .flatMap((level) =>
        level
          .queues()
          .flatMap((q, i) =>
            q.entries.map((e, j) => [
              level.name,
              e.schema,
              i,
              j,
              e.distinguisher,
              new Date(e.arrivedMs).toISOString(),
              e.seats,
            ]),
          ),
      ),
  ],
};

/** Columns as wide as their widest cell, with a comma behind each. */
function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => row.map((cell) => `${cell},`));
  const widths = (cells[0] ?? []).map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  return `${cells
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]! + 1))
        .join('')
        .trimEnd(),
    )
    .join('\n')}\n`;
}
