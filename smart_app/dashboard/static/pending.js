// What the start page chose, kept for the consultation page it leads to.

/** @type {Map<string, {channels: number, file: File|null, speed: number}>} */
export const pending = new Map();
