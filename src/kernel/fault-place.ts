/**
 * What may be told of an error that nobody expected: its kind and where it happened. Never its message, which others
 * may have written and which may hold a secret.
 */
export interface FaultPlace {
  readonly name: string;
  readonly places: readonly string[];
}

const maxPlaces = 8;
const maxPlaceLetters = 200;

export function faultPlace(error: unknown): FaultPlace {
  if (!(error instanceof Error)) return { name: "fault", places: [] };
  const { name, message, stack = "" } = error;
  // The message stands before the places, and a line of it could look like one.
  const begin = stack.indexOf(message);
  const places = begin < 0 ? [] : stack.slice(begin + message.length).split("\n");
  return {
    name: /^[A-Za-z]{1,40}$/.test(name) ? name : "Error",
    places: places
      .filter((line) => /^\s+at /.test(line))
      .map((line) => line.trim().slice(0, maxPlaceLetters))
      .slice(0, maxPlaces),
  };
}
