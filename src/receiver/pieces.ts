/**
 * A client decides how many pieces a body comes in, and each costs work, which one read of a connection can do 300,000
 * times without a pause. GitHub sends a length; what a connection then hands over at a time has some kilobytes.
 */
const PIECES_BESIDE = 2_000;
const LEAST_BYTES_A_PIECE = 256;

/** Counts the pieces of a body. @returns a function that says whether there are far too many for their length, with this one */
export function countPieces(): (piece: Buffer) => boolean {
  let pieces = 0;
  let bytes = 0;
  return (piece) => {
    pieces += 1;
    bytes += piece.length;
    return pieces > PIECES_BESIDE + bytes / LEAST_BYTES_A_PIECE;
  };
}
