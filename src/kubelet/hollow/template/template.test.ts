import { describe, expect, test } from 'vitest';
import { renderTemplate } from './evaluate.ts';
import { plainFunctions } from './functions.ts';
import { parseTemplate } from './parse.ts';
import { compileStatusTemplate } from './status-template.ts';

const data = {
  name: 'web',
  count: 3,
  none: [],
  items: [{ n: 'a', on: true }, { n: 'b' }],
  map: { y: 2, x: 1 },
};

function render(template: string): string {
  return renderTemplate(parseTemplate(template), data, plainFunctions);
}

test.each([
  ['plain', 'plain'],
  ['{{ .name }}', 'web'],
  ['{{ .absent }}', '<no value>'],
  ['{{ .items }}', '[{"n":"a","on":true},{"n":"b"}]'],
  ['a {{- .name -}} b', 'awebb'],
  ['a {{/* not shown */}} b', 'a  b'],
  ['{{ if .count }}yes{{ else }}no{{ end }}', 'yes'],
  ['{{ if .none }}yes{{ else }}no{{ end }}', 'no'],
  ['{{ if .absent }}1{{ else if eq .count 3 }}2{{ else }}3{{ end }}', '2'],
  ['{{ with .map }}{{ .x }}{{ end }}', '1'],
  ['{{ with .absent }}1{{ else }}{{ .name }}{{ end }}', 'web'],
  ['{{ with $m := .map }}{{ $m.y }}{{ end }}', '2'],
  ['{{ range .items }}{{ .n }},{{ end }}', 'a,b,'],
  ['{{ range $i, $item := .items }}{{ $i }}{{ $item.n }} {{ end }}', '0a 1b '],
  ['{{ range $k, $v := .map }}{{ $k }}={{ $v }} {{ end }}', 'x=1 y=2 '],
  ['{{ range .none }}x{{ else }}nothing{{ end }}', 'nothing'],
  ['{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $y := 3 }}{{ end }}{{ $x }}', '2'],
  ['{{ $root := . }}{{ range .items }}{{ $root.name }}{{ $.count }}{{ end }}', 'web3web3'],
  ['{{ .name | Quote }}', '"web"'],
  ['{{ .absent | Quote }}', '""'],
  ['{{ or .absent "x" }} {{ and .name .count }} {{ not .none }}', 'x 3 true'],
  ['{{ or .absent .none }}', '[]'],
  ['{{ index .items 1 }}', '{"n":"b"}'],
  ['{{ (index .items 0).n }}', 'a'],
  ['{{ len .items }} {{ len .name }}', '2 3'],
  ['{{ eq .name "web" "x" }} {{ ne .count 3 }} {{ lt .count 10 }}', 'true false true'],
  ['{{ printf "%s-%d %q%%" .name .count "q" }}', 'web-3 "q"%'],
  ['{{ YAML .map 1 }}', '  {"y":2,"x":1}'],
  ['{{ `raw "text"` }}', 'raw "text"'],
])('template %s', (template, text) => {
  expect(render(template)).toBe(text);
});

test.each([
  ['{{ .name', "line 1: '{{' without '}}'"],
  ['\n{{ if .x }}', 'line 2: a block without {{end}}'],
  ['{{ end }}', 'line 1: unexpected {{end}}'],
  ['{{ .name | }}', "line 1: cannot read '.name |'"],
  ['{{ unknown .x }}', "the function 'unknown' is not known"],
  ['{{ $x }}', 'the variable $x is not declared'],
  ['{{ .name .count }}', 'only a function takes arguments'],
])('template %s is refused', (template, message) => {
  expect(() => render(template)).toThrow(message);
});

describe('status template', () => {
  const context = {
    now: '2026-01-01T00:00:00Z',
    version: 'v1.36.0',
    nodeIp: () => '10.0.0.2',
    nodePort: () => 10250,
    podIp: () => '10.88.1.2',
  };

  test('makes the status that the template describes', () => {
    const template = `
{{ $now := Now }}
phase: Running
startTime: {{ $now | Quote }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) | Quote }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: true
{{ end }}
labels:
{{ with .metadata.labels }}
{{ YAML . 1 }}
{{ end }}
`;
    const pod = {
      metadata: { name: 'p', uid: 'u', labels: { app: 'web' } },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'web:1' }] },
    };
    expect(compileStatusTemplate(template)(pod, context)).toEqual({
      phase: 'Running',
      startTime: '2026-01-01T00:00:00Z',
      hostIP: '10.0.0.2',
      podIP: '10.88.1.2',
      containerStatuses: [{ name: 'c', image: 'web:1', ready: true }],
      labels: { app: 'web' },
    });
  });

  test('must make a map', () => {
    const run = compileStatusTemplate('- a');
    expect(() => run({ metadata: {} }, context)).toThrow('the status template made no map but: - a');
  });
});
