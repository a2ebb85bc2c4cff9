import { isRecord, type LabelSelector, type Resource } from './model.ts';
import { badRequest } from './status.ts';

/** Whether labels satisfy a selector; an empty selector takes all. */
export function matches(
  labels: Readonly<Record<string, string>> | undefined,
  selector: LabelSelector | undefined,
): boolean {
  const have = labels ?? {};
  const all = Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => have[key] === value);
  return (
    all &&
    (selector?.matchExpressions ?? []).every(({ key, operator, values }) => {
      const value = have[key];
      switch (operator) {
        case 'In':
          return value !== undefined && (values ?? []).includes(value);
        case 'NotIn':
          return value === undefined || !(values ?? []).includes(value);
        case 'Exists':
          return value !== undefined;
        default:
          return value === undefined;
      }
    })
  );
}

type Test = (object: Resource) => boolean;

/** `a=b,c!=d,e in (f,g),h,!i` */
export function labelTest(text: string | null): Test {
  if (!text) return () => true;
  const tests = text.split(/,(?![^(]*\))/).map((part): ((labels: Record<string, string>) => boolean) => {
    const term = part.trim();
    const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term);
    if (set) {
      const [, key, operator, list] = set as unknown as [string, string, string, string];
      const values = list.split(',').map((value) => value.trim());
      return (labels) => values.includes(labels[key] ?? '\u0000') === (operator === 'in');
    }
    const pair = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/.exec(term);
    if (pair) {
      const [, key, operator, value] = pair as unknown as [string, string, string, string];
      return (labels) => (labels[key] === value) === (operator !== '!=');
    }
    if (/^![^=!\s]+$/.test(term)) return (labels) => labels[term.slice(1)] === undefined;
    if (/^[^=!\s]+$/.test(term)) return (labels) => labels[term] !== undefined;
    throw badRequest(`unable to parse requirement: found '${term}', expected: identifier`);
  });
  return (object) => tests.every((test) => test(object.metadata.labels ?? {}));
}

/** `metadata.name=a,involvedObject.uid=b,status.phase!=Running`: any path of plain fields. */
export function fieldTest(text: string | null): Test {
  if (!text) return () => true;
  const tests = text.split(',').map((term): Test => {
    const pair = /^([\w.]+)(==|=|!=)(.*)$/.exec(term.trim());
    if (!pair) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
    const [, path, operator, value] = pair as unknown as [string, string, string, string];
    return (object) => (String(at(object, path) ?? '') === value) === (operator !== '!=');
  });
  return (object) => tests.every((test) => test(object));
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, name) => (isRecord(inner) ? inner[name] : undefined), value);
}
