/** Whether an applied configuration is of the shape of its kind, in the words of upstream's typed merge. */
import { stepText } from './field-set.ts';
import { deducedMap, isFields, type ItemsShape, itemStep, type ScalarType, type Shape, valueStep } from './shape.ts';

/** Undefined when it is. */
export function configError(config: unknown, shape: Shape): string | undefined {
  const errors: string[] = [];
  check(config, shape, '', errors);
  if (errors.length <= 1) return errors[0];
  return ['errors:', ...errors.map((error) => `  ${error}`)].join('\n');
}

const at = (path: string, what: string): string => (path === '' ? what : `${path}: ${what}`);

function check(value: unknown, shape: Shape, path: string, errors: string[]): void {
  if (value === null || value === undefined) return;
  switch (shape.kind) {
    case 'scalar':
      if (!isScalarOf(value, shape.type)) errors.push(at(path, scalarError(value, shape.type)));
      return;
    case 'atomic':
      checkAtomic(value, shape, path, errors);
      return;
    case 'deduced':
      if (isFields(value)) check(value, deducedMap, path, errors);
      return;
    case 'fields':
      if (!isFields(value)) {
        errors.push(at(path, `expected map, got &{${goValue(value)}}`));
        return;
      }
      for (const name of Object.keys(value).sort()) {
        const child = shape.child(name);
        if (child) check(value[name], child, `${path}.${name}`, errors);
        else errors.push(at(`${path}.${name}`, 'field not declared in schema'));
      }
      return;
    case 'items':
    case 'values':
      checkList(value, shape, path, errors);
  }
}

function checkAtomic(
  value: unknown,
  { of, inside }: Extract<Shape, { kind: 'atomic' }>,
  path: string,
  errors: string[],
): void {
  if (of === 'map') {
    if (inside) check(value, inside, path, errors);
    return;
  }
  if (!Array.isArray(value)) errors.push(at(path, `expected list, got &{${goValue(value)}}`));
  else if (inside) for (const [i, item] of value.entries()) check(item, inside, `${path}[${i}]`, errors);
}

function checkList(
  value: unknown,
  shape: ItemsShape | Extract<Shape, { kind: 'values' }>,
  path: string,
  errors: string[],
): void {
  if (!Array.isArray(value)) {
    errors.push(at(path, `expected list, got &{${goValue(value)}}`));
    return;
  }
  const seen = new Set<string>();
  for (const [i, item] of value.entries()) {
    const wrong = shape.kind === 'items' ? itemError(item, shape) : setItemError(item);
    if (wrong) {
      errors.push(at(path, `element ${i}: ${wrong}`));
      return;
    }
    const step = shape.kind === 'items' ? itemStep(item, shape)! : valueStep(item);
    if (seen.has(step)) {
      errors.push(at(path, `duplicate entries for key ${stepText(step)}`));
      return;
    }
    seen.add(step);
    check(item, shape.item, `${path}${stepText(step)}`, errors);
  }
}

function itemError(item: unknown, shape: ItemsShape): string | undefined {
  if (item === null) return 'associative list with keys may not have a null element';
  if (!isFields(item)) return 'associative list with keys may not have non-map elements';
  if (itemStep(item, shape) !== undefined) return undefined;
  return `associative list with keys has an element that omits all key fields [${shape.keys.map((key) => JSON.stringify(key)).join(' ')}] (and doesn't have default values for any key fields)`;
}

function setItemError(item: unknown): string | undefined {
  if (item === null) return "associative list without keys has an element that's an explicit null";
  if (Array.isArray(item)) return 'not supported: associative list with lists as elements';
  return isFields(item) ? "associative list without keys has an element that's a map type" : undefined;
}

function isScalarOf(value: unknown, type: ScalarType): boolean {
  switch (type) {
    case 'numeric':
      return typeof value === 'number' || typeof value === 'bigint';
    case 'untyped':
      return true;
    default:
      return typeof value === type;
  }
}

function scalarError(value: unknown, type: ScalarType): string {
  if (type === 'numeric') return `expected numeric (int or float), got ${goType(value)}`;
  if (type === 'string') return `expected string, got &value.valueUnstructured{Value:${goValue(value)}}`;
  return `expected boolean, got &{${goValue(value)}}`;
}

const goType = (value: unknown): string =>
  Array.isArray(value) ? '[]interface {}' : isFields(value) ? 'map[string]interface {}' : goScalarType(value);

const goScalarType = (value: unknown): string => (typeof value === 'boolean' ? 'bool' : typeof value);

/** As Go's %v prints it. */
function goValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (!isFields(value)) return value === null ? '<nil>' : String(value);
  const members = Object.keys(value).sort();
  return `map[${members.map((name) => `${name}:${goValue(value[name])}`).join(' ')}]`;
}
