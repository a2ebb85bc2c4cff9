/** What every failed mount says first, one layer after the other. */
const LAYERS = [
  /^MountVolume\.SetUp failed for volume "[^"]*" : /,
  /^rpc error: code = Unknown desc = /,
  /^failed to mount secrets store objects for pod \S+, err: /,
  /^rpc error: code = Unknown desc = /,
  /^failed to mount objects, error: /,
];
const LENGTH = 280;

/** A program's own words for a cell of the table: on one line, without what stands before all of its errors. */
export function brief(text: string): string {
  const bare = LAYERS.reduce((rest, layer) => rest.replace(layer, ''), text);
  const line = bare
    .replaceAll(/-{20,}/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  // The end of an answer of Azure are its ids and times.
  return `${bare.length < text.length ? '... ' : ''}${line.length > LENGTH ? `${line.slice(0, LENGTH)} ...` : line}`;
}
