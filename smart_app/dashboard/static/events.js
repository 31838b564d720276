// Follows a consultation's events and, after a broken connection, goes on where it was.
import { socket, socketEnded } from "./api.js";

/**
 * @param {string} encounter @param {number} after last seq already known
 * @param {(event: any) => void} onEvent @param {(up: boolean) => void} onState
 * @returns {() => void} stops following
 */
export function follow(encounter, after, onEvent, onState) {
  let last = after;
  let over = false;
  let wait = 300;
  let connection;
  const open = () => {
    connection = socket(`/ws/encounters/${encodeURIComponent(encounter)}?after=${last}`);
    connection.onopen = () => {
      wait = 300;
      onState(true);
    };
    connection.onmessage = (message) => {
      const event = JSON.parse(message.data);
      if (event.seq <= last) return;
      last = event.seq;
      onEvent(event);
    };
    connection.onclose = (event) => {
      if (over) return;
      if (event.code === 4401) {
        // A page that records stays and has the person sign in over it.
        socketEnded(connection, () => over || open());
        return;
      }
      onState(false);
      if (event.code >= 4400 && event.code < 4500) return;
      setTimeout(() => over || open(), wait);
      wait = Math.min(wait * 2, 5000);
    };
  };
  open();
  return () => {
    over = true;
    connection.close();
  };
}
