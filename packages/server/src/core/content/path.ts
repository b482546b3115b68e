/**
 * Names of places in JSON: `$.items[].id`. In: a place and a member's name. Out: the place of the member. Bounded, because names are data of
 * whoever sent the body: below a place that is long enough, all have its name.
 */

/** Paths that people write are far shorter; longer ones cost more at each value than the value itself. */
export const PATH_CHARS_MAX = 512;

export function memberPath(path: string, name: string): string {
  return path.length + name.length < PATH_CHARS_MAX ? `${path}.${name}` : path;
}

export function elementPath(path: string): string {
  return path.length < PATH_CHARS_MAX ? `${path}[]` : path;
}
