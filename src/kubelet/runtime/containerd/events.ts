import { GrpcChannel } from '../cri/channel.ts';
import type { ContainerEvent } from '../runtime.ts';

/** The parts of containerd's event service that we read: names and field numbers of its API. */
const descriptor = {
  nested: {
    containerd: {
      nested: {
        Timestamp: message({ seconds: ['int64', 1], nanos: ['int32', 2] }),
        Any: message({ typeUrl: ['string', 1], value: ['bytes', 2] }),
        TaskEvent: message({ containerId: ['string', 1] }),
        TaskExit: message({ containerId: ['string', 1], id: ['string', 2], pid: ['uint32', 3] }),
        services: {
          nested: {
            events: {
              nested: {
                v1: {
                  nested: {
                    SubscribeRequest: {
                      edition: 'proto3',
                      fields: { filters: { rule: 'repeated', type: 'string', id: 1 } },
                    },
                    Envelope: message({
                      timestamp: ['containerd.Timestamp', 1],
                      namespace: ['string', 2],
                      topic: ['string', 3],
                      event: ['containerd.Any', 4],
                    }),
                    Events: {
                      methods: {
                        Subscribe: { requestType: 'SubscribeRequest', responseType: 'Envelope', responseStream: true },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
};

function message(fields: Readonly<Record<string, readonly [type: string, id: number]>>) {
  return {
    edition: 'proto3',
    fields: Object.fromEntries(Object.entries(fields).map(([name, [type, id]]) => [name, { type, id }])),
  };
}

interface Envelope {
  readonly topic: string;
  readonly event: { readonly value: Uint8Array } | null;
}

/**
 * Containerd's own event stream, for versions whose CRI has none (1.6). Only first processes of containers and
 * sandboxes are reported, not commands run in them. Ends when aborted, rejects when the stream breaks.
 */
export async function* containerdEvents(socketPath: string, signal: AbortSignal): AsyncGenerator<ContainerEvent> {
  const channel = new GrpcChannel(`unix:${socketPath}`, descriptor, { 'containerd-namespace': 'k8s.io' });
  try {
    const filters = ['exit', 'oom'].map((what) => `namespace==k8s.io,topic=="/tasks/${what}"`);
    for await (const envelope of channel.stream<Envelope>(
      'containerd.services.events.v1.Events',
      'Subscribe',
      { filters },
      signal,
    )) {
      if (!envelope.event) continue;
      if (envelope.topic === '/tasks/oom') {
        const { containerId } = channel.decode<{ containerId: string }>('containerd.TaskEvent', envelope.event.value);
        yield { type: 'oom', containerId };
      } else {
        const exit = channel.decode<{ containerId: string; id: string }>('containerd.TaskExit', envelope.event.value);
        // A task's first process has the task's id; an exec has one of its own.
        if (exit.id === exit.containerId) yield { type: 'exit', containerId: exit.containerId };
      }
    }
  } finally {
    channel.close();
  }
}
