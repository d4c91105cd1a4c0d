import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Options } from './options.ts';

/** One test of the suite. */
export interface Spec {
  /** As upstream prints it: what it belongs to, then what it says. Unlike any other's. */
  readonly name: string;
  /** `node`, `api-machinery`: without its `sig-`. */
  readonly sig: string;
  /** Must have the cluster for itself. */
  readonly serial: boolean;
  readonly slow: boolean;
  /** The file in upstream's test/e2e. */
  readonly file: string;
}

interface SpecReport {
  readonly State: string;
  readonly LeafNodeType: string;
  readonly LeafNodeText: string;
  readonly LeafNodeLocation: { readonly FileName: string };
  readonly ContainerHierarchyTexts: readonly string[] | null;
}

/** Not marked [Slow], though they sleep half a second before each of 499 updates, or look on for four or five minutes. */
const slowByConstruction =
  /issue 500 podspec updates|Probing container should \*not\* be restarted|conflict between pods with same hostPort/;

/** Every conformance test of the program, in its own order. */
export function conformanceSpecs(program: string): Spec[] {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-specs-'));
  try {
    const report = join(directory, 'report.json');
    const flags = ['--ginkgo.dry-run', '--ginkgo.silence-skips', '--ginkgo.no-color', '--ginkgo.seed=1'];
    execFileSync(program, [...flags, '--ginkgo.focus=\\[Conformance\\]', `--ginkgo.json-report=${report}`], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    const suites = JSON.parse(readFileSync(report, 'utf8')) as { readonly SpecReports: readonly SpecReport[] }[];
    return suites
      .flatMap((suite) => suite.SpecReports)
      .filter((spec) => spec.LeafNodeType === 'It' && spec.State !== 'skipped')
      .map((spec) => {
        const name = [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText].join(' ');
        return {
          name,
          sig: /^\[sig-([a-z-]+)\]/.exec(name)?.[1] ?? 'none',
          serial: name.includes('[Serial]'),
          slow: name.includes('[Slow]') || slowByConstruction.test(name),
          file: spec.LeafNodeLocation.FileName.replace(/^.*\/test\/e2e\//, ''),
        };
      });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Those that the flags ask for. */
export function select(
  specs: readonly Spec[],
  options: Pick<Options, 'focus' | 'skip' | 'sig' | 'serial'>,
  ci: ReadonlySet<string> | undefined,
): Spec[] {
  return specs.filter(
    (spec) =>
      (options.focus?.test(spec.name) ?? true) &&
      !options.skip?.test(spec.name) &&
      (options.sig === undefined || spec.sig === options.sig) &&
      (!options.serial || spec.serial) &&
      (ci?.has(spec.name) ?? true),
  );
}

/** What ginkgo is told to run: exactly these. It looks at a test's name with the suite's before it. */
export function focusOf(specs: readonly Spec[]): string {
  const quoted = specs.map(({ name }) => name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return `(${quoted.join('|')})$`;
}
