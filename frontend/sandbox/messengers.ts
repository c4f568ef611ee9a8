// What clients can do in each messenger, and what of it a bot gets to know.
import type { Extra, Kind } from "./protocol";

export interface Messenger {
  label: string;
  canEdit: boolean;
  canReply: boolean;
  tellsReading: boolean;
  tellsTyping: boolean;
  /** Whether a client who blocked the bot can write all the same, which lifts the block. */
  canWriteBlocked: boolean;
  extras: readonly Extra[];
}

export const MESSENGERS: Record<Kind, Messenger> = {
  TELEGRAM: {
    label: "Telegram",
    canEdit: true,
    canReply: true,
    tellsReading: false,
    tellsTyping: false,
    canWriteBlocked: false,
    extras: ["STICKER", "LOCATION", "CONTACT"],
  },
  VK: {
    label: "VK",
    canEdit: true,
    canReply: true,
    tellsReading: true,
    tellsTyping: true,
    canWriteBlocked: true,
    extras: ["STICKER", "LOCATION"],
  },
  VIBER: {
    label: "Viber",
    canEdit: false,
    canReply: false,
    tellsReading: true,
    tellsTyping: false,
    canWriteBlocked: true,
    extras: ["STICKER", "LOCATION", "CONTACT"],
  },
};
