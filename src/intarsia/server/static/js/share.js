/** A count of pixels as a share of a map, in percent, as people read it. */
export function shareText(count, all) {
  const share = (100 * count) / all;
  if (share === 0) return "0 %";
  return share < 0.1 ? "<0.1 %" : `${share.toFixed(share < 10 ? 1 : 0)} %`;
}
