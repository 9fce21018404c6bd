/** Of what is stored. Grows with a change that an older node could not understand; such a node's scripts then refuse. */
export const storedFormat = 1;
