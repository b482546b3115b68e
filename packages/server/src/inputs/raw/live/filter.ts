/** The filter that the kernel applies to packets before we see them, as gor builds it. Pure. */

export interface FilterWish {
  /** Captured ports; empty for all. */
  readonly ports: readonly number[];
  /** Addresses of the captured side; empty for any. */
  readonly addresses: readonly string[];
  readonly trackResponses: boolean;
  readonly vlan: boolean;
  readonly vlanIds: readonly number[];
}

export function captureFilter(wish: FilterWish): string {
  const toServer = side("dst", wish);
  const both = wish.trackResponses ? `(${toServer}) or (${side("src", wish)})` : toServer;
  // Each of these words moves the rest of the filter behind one more tag: several mean tags within tags.
  const tags = wish.vlanIds.map((id) => `vlan ${id} and `).join("");
  return tags !== "" || wish.vlan ? `${tags === "" ? "vlan and " : tags}(${both})` : both;
}

function side(direction: "dst" | "src", { ports, addresses }: FilterWish): string {
  const port =
    ports.length === 0
      ? `tcp ${direction} portrange 0-65535`
      : ports.map((number) => `tcp ${direction} port ${number}`).join(" or ");
  if (addresses.length === 0) return `(${port})`;
  const hosts = addresses.map((address) => `${direction} host ${address}`).join(" or ");
  return `(${port}) and (${hosts})`;
}
