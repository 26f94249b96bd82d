// The order of texts that the contract's other languages have too.

/** Sorted by code points. JavaScript by itself sorts by UTF-16 units, which differs beyond U+FFFF. */
export function inOrder(texts) {
  return [...texts].sort((one, other) => {
    const [ones, others] = [[...one], [...other]];
    const at = ones.findIndex((character, index) => character !== others[index]);
    if (at < 0) return ones.length - others.length;
    return at < others.length ? ones[at].codePointAt(0) - others[at].codePointAt(0) : 1;
  });
}
