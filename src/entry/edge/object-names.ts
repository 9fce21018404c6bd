/** Objects that are told apart by a number. They are made by their names: another spelling would be another object. */
import type { DurableObjectId, DurableObjectNamespace } from "@cloudflare/workers-types";

export interface ObjectNames {
  nameOf(number: number): string;
  /** Which of so many an object is; an object is not told its name in every runtime. */
  numberOf(objects: DurableObjectNamespace, id: DurableObjectId, count: number): number | undefined;
}

export function objectNames(prefix: string): ObjectNames {
  const nameOf = (number: number): string => `${prefix}${number}`;
  return {
    nameOf,
    numberOf(objects, id, count) {
      for (let number = 0; number < count; number += 1)
        if (objects.idFromName(nameOf(number)).equals(id)) return number;
      return undefined;
    },
  };
}
