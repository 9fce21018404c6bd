/** "Did you mean": the nearest of the known words, for words that a person typed into a policy file. */
const maxWordLength = 64;

/** `did you mean X? ` or an empty text. */
export function suggest(word: string, known: readonly string[]): string {
  const nearest = nearestOf(word, known);
  return nearest === undefined ? "" : `did you mean ${nearest}? `;
}

/** At most a third of the letters may differ; words in another case or with other separators are always near. */
function nearestOf(word: string, known: readonly string[]): string | undefined {
  if (word.length > maxWordLength) return undefined;
  const plain = plainOf(word);
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = distanceOf(plain, plainOf(candidate));
    if (distance > Math.max(1, Math.floor(candidate.length / 3))) continue;
    if (best === undefined || distance < best.distance) best = { candidate, distance };
  }
  return best?.candidate;
}

const plainOf = (word: string): string => word.toLowerCase().replaceAll(/[_-]/g, "");

/** Levenshtein distance, one row at a time. */
function distanceOf(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 0; i < left.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < right.length; j += 1) {
      const substituted = (row[j] ?? 0) + (left[i] === right[j] ? 0 : 1);
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
