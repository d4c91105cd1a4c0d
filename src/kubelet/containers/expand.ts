/**
 * `$(NAME)` in commands, arguments and variables. A known name gives its value; an unknown one stays as it is written;
 * `$$` stands for one `$`, so `$$(NAME)` is the text `$(NAME)`. A `$` before anything else stays.
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  if (!text.includes('$')) return text;
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (lookup(name) ?? whole),
  );
}
