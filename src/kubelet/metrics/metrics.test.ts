import { expect, it } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import { FakeRuntime } from '../runtime/fake-runtime.suite.ts';
import { parseV1, parseV2 } from '../stats/cgroup-stats.ts';
import type { Summary } from '../stats/summary.ts';
import { cadvisorMetrics, cadvisorSubjects } from './cadvisor.ts';
import { expose } from './exposition.ts';
import { KubeletMetrics } from './kubelet-metrics.ts';
import { meteredRuntime } from './metered-runtime.ts';
import { resourceMetrics } from './resource-metrics.ts';

const time = '2026-01-01T00:00:01Z';
const summary: Summary = {
  node: {
    nodeName: 'n',
    systemContainers: [],
    startTime: time,
    cpu: { time, usageCoreNanoSeconds: 5e9 },
    memory: { time, workingSetBytes: 7 },
  },
  pods: [
    {
      podRef: { name: 'p', namespace: 'ns', uid: 'u' },
      startTime: time,
      containers: [
        { name: 'c', startTime: time, cpu: { time, usageCoreNanoSeconds: 25e8 }, memory: { time, workingSetBytes: 9 } },
      ],
      cpu: { time, usageCoreNanoSeconds: 3e9 },
      memory: { time, workingSetBytes: 10 },
      network: { time, name: 'eth0', interfaces: [{ name: 'eth0', rxBytes: 4, txBytes: 5 }] },
    },
  ],
};

it('families come by name; what has no value is left out; values of labels are escaped', () => {
  const text = expose([
    { name: 'b', help: 'B', type: 'gauge', samples: [{ value: undefined }] },
    { name: 'c', help: 'C', type: 'gauge', samples: [{ value: 1 }] },
    { name: 'a', help: 'A', type: 'counter', samples: [{ labels: { x: 'q"\\\n' }, value: 2, atMs: 3 }] },
  ]);
  expect(text).toBe('# HELP a A\n# TYPE a counter\na{x="q\\"\\\\\\n"} 2 3\n# HELP c C\n# TYPE c gauge\nc 1\n');
});

it('/metrics/resource has every stable name of upstream', () => {
  const text = resourceMetrics(summary);
  const at = Date.parse(time);
  for (const line of [
    `node_cpu_usage_seconds_total 5 ${at}`,
    `node_memory_working_set_bytes 7 ${at}`,
    `container_cpu_usage_seconds_total{container="c",namespace="ns",pod="p"} 2.5 ${at}`,
    `container_memory_working_set_bytes{container="c",namespace="ns",pod="p"} 9 ${at}`,
    `container_start_time_seconds{container="c",namespace="ns",pod="p"} ${at / 1000}`,
    `pod_cpu_usage_seconds_total{namespace="ns",pod="p"} 3 ${at}`,
    `pod_memory_working_set_bytes{namespace="ns",pod="p"} 10 ${at}`,
    'resource_scrape_error 0',
    'scrape_error 0',
  ])
    expect(text.split('\n')).toContain(line);
  expect(resourceMetrics(undefined)).toContain('resource_scrape_error 1');
});

it('/metrics/cadvisor tells the machine, a pod and a container apart by their labels', () => {
  const pods = [{ uid: 'u', cgroup: '/kubepods/podu', containers: [{ name: 'c', id: 'i1', image: 'web:1' }] }];
  const seen: string[] = [];
  const subjects = cadvisorSubjects(summary, pods, (path) => {
    seen.push(path);
    return { processes: 3, spec: { memoryLimitBytes: 0 } };
  });
  expect(seen).toEqual(['/kubepods/podu', '/kubepods/podu/i1']);
  const text = cadvisorMetrics(subjects, { cores: 2, memoryBytes: 8, nowMs: 1000 });
  const container = 'container="c",id="/kubepods/podu/i1",image="web:1",name="i1",namespace="ns",pod="p"';
  const pod = 'container="",id="/kubepods/podu",image="",name="",namespace="ns",pod="p"';
  const machine = 'container="",id="/",image="",name="",namespace="",pod=""';
  for (const line of [
    `container_cpu_usage_seconds_total{${container},cpu="total"} 2.5`,
    `container_memory_working_set_bytes{${pod}} 10`,
    `container_memory_working_set_bytes{${machine}} 7`,
    `container_network_receive_bytes_total{${pod},interface="eth0"} 4`,
    `container_processes{${container}} 3`,
    `container_spec_memory_limit_bytes{${container}} 0`,
    'machine_cpu_cores 2',
  ])
    expect(text.split('\n')).toContain(line);
});

it('a cgroup is read alike in both versions', () => {
  const files = (texts: Readonly<Record<string, string>>) => (_: string, file: string) => texts[file] ?? '';
  const one = parseV1(
    files({
      'cpuacct.stat': 'user 150\nsystem 50\n',
      'cpu.stat': 'nr_periods 4\nnr_throttled 2\nthrottled_time 1500000000\n',
      'cpu.cfs_period_us': '100000\n',
      'cpu.cfs_quota_us': '-1\n',
      'memory.limit_in_bytes': '9223372036854771712\n',
      'cgroup.procs': '1\n2\n',
    }),
  );
  expect(one).toMatchObject({
    cpuUserSeconds: 1.5,
    cpuSystemSeconds: 0.5,
    cfsPeriods: 4,
    throttledSeconds: 1.5,
    processes: 2,
  });
  expect(one.spec).toEqual({ cpuPeriodUs: 100_000, memoryLimitBytes: 0 });
  const two = parseV2(
    files({
      'cpu.stat':
        'usage_usec 2000000\nuser_usec 1500000\nsystem_usec 500000\nnr_periods 4\nnr_throttled 2\nthrottled_usec 1500000\n',
      'cpu.max': 'max 100000\n',
      'cpu.weight': '39\n',
      'memory.max': 'max\n',
      'memory.events': 'oom_kill 1\n',
      'cgroup.procs': '1\n2\n',
    }),
  );
  expect(two).toMatchObject({
    cpuUserSeconds: 1.5,
    cpuSystemSeconds: 0.5,
    cfsPeriods: 4,
    throttledSeconds: 1.5,
    processes: 2,
    oomKills: 1,
  });
  expect(two.spec).toEqual({ cpuPeriodUs: 100_000, cpuShares: 998, memoryLimitBytes: 0 });
});

it('calls of the runtime are counted, timed, and their failures told', async () => {
  const clock = new FakeClock({ defer: setImmediate });
  const metrics = new KubeletMetrics({
    nodeName: 'n',
    pods: () => [],
    activePods: () => [],
    running: () => ({ pods: 2, containers: new Map([['running', 3]]) }),
  });
  const fake = new FakeRuntime(clock);
  const runtime = meteredRuntime(fake, metrics, clock);
  await runtime.pullImage('a:1');
  fake.faults.away = true;
  await expect(runtime.listContainers()).rejects.toThrow('connection refused');
  expect(metrics.operations.value(['pull_image'])).toBe(1);
  expect(metrics.operationErrors.value(['list_containers'])).toBe(1);
  const text = metrics.registry.text();
  expect(text).toContain('kubelet_running_pods 2');
  expect(text).toContain('kubelet_running_containers{container_state="running"} 3');
  expect(text).toContain('kubelet_node_name{node="n"} 1');
  expect(text).toContain('kubelet_runtime_operations_duration_seconds_count{operation_type="pull_image"} 1');
});
