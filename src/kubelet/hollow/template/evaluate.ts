import type { Command, Operand, Pipeline, TemplateNode } from './parse.ts';

export type TemplateFunction = (...args: readonly unknown[]) => unknown;
export type TemplateFunctions = Readonly<Record<string, TemplateFunction>>;

/** False as Go's templates see it: false, 0, '', nothing, and what is empty. */
export function truth(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === 'object' ? Object.keys(value).length > 0 : true;
}

/** The text that Go would print; nothing prints as `<no value>`. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '<no value>';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Blocks see the variables around them; what they declare ends with them. */
class Scope {
  readonly dot: unknown;
  readonly #variables = new Map<string, unknown>();
  readonly #outer: Scope | undefined;

  constructor(dot: unknown, outer?: Scope) {
    this.dot = dot;
    this.#outer = outer;
  }

  get(name: string): unknown {
    if (this.#variables.has(name)) return this.#variables.get(name);
    if (this.#outer === undefined) throw new Error(`the variable $${name} is not declared`);
    return this.#outer.get(name);
  }

  declare(name: string, value: unknown): void {
    this.#variables.set(name, value);
  }

  assign(name: string, value: unknown): void {
    if (this.#variables.has(name)) this.#variables.set(name, value);
    else if (this.#outer === undefined) throw new Error(`the variable $${name} is not declared`);
    else this.#outer.assign(name, value);
  }
}

export function renderTemplate(nodes: readonly TemplateNode[], data: unknown, functions: TemplateFunctions): string {
  const scope = new Scope(data);
  scope.declare('', data);
  return new Renderer(functions).nodes(nodes, scope);
}

class Renderer {
  readonly #functions: TemplateFunctions;

  constructor(functions: TemplateFunctions) {
    this.#functions = functions;
  }

  nodes(nodes: readonly TemplateNode[], scope: Scope): string {
    let out = '';
    for (const node of nodes) out += this.#node(node, scope);
    return out;
  }

  #node(node: TemplateNode, scope: Scope): string {
    switch (node.kind) {
      case 'text':
        return node.text;
      case 'output':
        return textOf(this.#pipeline(node.pipeline, scope));
      case 'assign': {
        const value = this.#pipeline(node.pipeline, scope);
        if (node.declare) scope.declare(node.variable, value);
        else scope.assign(node.variable, value);
        return '';
      }
      case 'if':
      case 'with': {
        const value = this.#pipeline(node.pipeline, scope);
        const inner = new Scope(node.kind === 'with' && truth(value) ? value : scope.dot, scope);
        if (node.variable !== undefined) inner.declare(node.variable, value);
        return this.nodes(truth(value) ? node.body : node.otherwise, inner);
      }
      case 'range':
        return this.#range(node, scope);
    }
  }

  #range(node: TemplateNode & { kind: 'range' }, scope: Scope): string {
    const value = this.#pipeline(node.pipeline, scope);
    if (!truth(value)) return this.nodes(node.otherwise, new Scope(scope.dot, scope));
    const entries: readonly (readonly [unknown, unknown])[] = Array.isArray(value)
      ? value.map((item, i) => [i, item] as const)
      : Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1));
    let out = '';
    for (const [key, item] of entries) {
      const inner = new Scope(item, scope);
      const [first, second] = node.variables;
      if (second !== undefined) {
        inner.declare(first!, key);
        inner.declare(second, item);
      } else if (first !== undefined) inner.declare(first, item);
      out += this.nodes(node.body, inner);
    }
    return out;
  }

  #pipeline(pipeline: Pipeline, scope: Scope): unknown {
    let value: unknown;
    let piped = false;
    for (const command of pipeline) {
      value = this.#command(command, scope, piped ? [value] : []);
      piped = true;
    }
    return value;
  }

  /** The value of the command before it is the last argument. */
  #command(command: Command, scope: Scope, piped: readonly unknown[]): unknown {
    const [head, ...rest] = command;
    if (head!.kind !== 'function') {
      if (rest.length > 0 || piped.length > 0) throw new Error('only a function takes arguments');
      return this.#operand(head!, scope);
    }
    return this.#call(head!.name, [...rest.map((operand) => this.#operand(operand, scope)), ...piped]);
  }

  #call(name: string, args: readonly unknown[]): unknown {
    const call = Object.hasOwn(this.#functions, name) ? this.#functions[name] : undefined;
    if (call === undefined) throw new Error(`the function '${name}' is not known`);
    return call(...args);
  }

  #operand(operand: Operand, scope: Scope): unknown {
    switch (operand.kind) {
      case 'literal':
        return operand.value;
      case 'function':
        return this.#call(operand.name, []);
      case 'dot':
        return walk(scope.dot, operand.path);
      case 'variable':
        return walk(scope.get(operand.name), operand.path);
      case 'pipeline':
        return walk(this.#pipeline(operand.pipeline, scope), operand.path);
    }
  }
}

function walk(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const name of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined;
    current = (current as Record<string, unknown>)[name];
  }
  return current;
}
