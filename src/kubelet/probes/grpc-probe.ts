import { GrpcChannel } from '../runtime/cri/channel.ts';
import { RuntimeError } from '../runtime/runtime.ts';
import type { ProbeResult } from './prober.ts';

/** The gRPC health checking protocol, version 1. */
const descriptor = {
  nested: {
    grpc: {
      nested: {
        health: {
          nested: {
            v1: {
              nested: {
                HealthCheckRequest: { edition: 'proto3', fields: { service: { type: 'string', id: 1 } } },
                HealthCheckResponse: { edition: 'proto3', fields: { status: { type: 'Status', id: 1 } } },
                Status: { edition: 'proto3', values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } },
                Health: {
                  methods: { Check: { requestType: 'HealthCheckRequest', responseType: 'HealthCheckResponse' } },
                },
              },
            },
          },
        },
      },
    },
  },
};

/** gRPC's codes for a call that took too long, and for a server that has no health service. */
const deadlineExceeded = 4;
const unimplemented = 12;

export async function grpcProbe(host: string, port: number, service: string, timeoutMs: number): Promise<ProbeResult> {
  const channel = new GrpcChannel(`dns:///${host.includes(':') ? `[${host}]` : host}:${port}`, descriptor);
  try {
    const answer = await channel.unary<{ status: string }>(
      'grpc.health.v1.Health',
      'Check',
      { service },
      { timeoutMs },
    );
    if (answer.status === 'SERVING') return { outcome: 'success', output: 'service healthy' };
    return { outcome: 'failure', output: `service unhealthy (responded with "${answer.status}")` };
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    const why =
      error.code === deadlineExceeded
        ? `timeout: failed to connect service "${host}:${port}" within ${timeoutMs}ms: ${error.message}`
        : error.code === unimplemented
          ? `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${error.message}`
          : `error: health rpc probe failed: ${error.message}`;
    return { outcome: 'failure', output: why };
  } finally {
    channel.close();
  }
}
