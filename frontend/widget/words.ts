// Everything the widget says, in each of its languages.
import type { FaultCode } from "./fault";

export type Language = "en" | "ru";

export interface Words {
  /** What the window is titled until the server has told the channel's name. */
  chat: string;
  open: string;
  close: string;
  greeting: string;
  messages: string;
  message: string;
  placeholder: string;
  send: string;
  attach: string;
  drop: string;
  attached: string;
  detach: (name: string) => string;
  you: string;
  /** Who writes when the message names nobody: an automatic one. */
  company: string;
  deleted: string;
  edited: string;
  earlier: string;
  today: string;
  yesterday: string;
  sending: string;
  sent: string;
  read: string;
  failed: string;
  again: string;
  discard: string;
  typing: (name: string) => string;
  unread: (count: number) => string;
  arrived: (name: string) => string;
  offline: string;
  fileComing: string;
  opensApart: string;
  tooLong: (length: number, longest: number) => string;
  tooLarge: (name: string, largest: string) => string;
  tooMany: (most: number) => string;
  /** There was too much, and `when` (“in 20 minutes”) it is no more. */
  limited: (when: string) => string;
  /** What went wrong with a message or with the chat, in words for a visitor. */
  faults: Record<FaultCode, string>;
  units: readonly [bytes: string, kilobytes: string, megabytes: string];
}

const en: Words = {
  chat: "Chat",
  open: "Open chat",
  close: "Close chat",
  greeting: "Write to us: the answer comes here.",
  messages: "Messages",
  message: "Your message",
  placeholder: "Write a message…",
  send: "Send",
  attach: "Attach files",
  drop: "Drop files to attach them",
  attached: "Attached files",
  detach: (name) => `Remove ${name}`,
  you: "You",
  company: "Automatic message",
  deleted: "The message was deleted",
  edited: "edited",
  earlier: "Show earlier messages",
  today: "Today",
  yesterday: "Yesterday",
  sending: "Sending…",
  sent: "Sent",
  read: "Read",
  failed: "Not sent",
  again: "Try again",
  discard: "Delete",
  typing: (name) => `${name} is typing…`,
  unread: (count) => (count === 1 ? "1 unread message" : `${count} unread messages`),
  arrived: (name) => `New message in the chat: ${name}`,
  offline: "No connection. Trying again…",
  fileComing: "is on its way",
  opensApart: "opens in a new tab",
  tooLong: (length, longest) => `The text is too long: ${length} of ${longest} characters.`,
  tooLarge: (name, largest) => `“${name}” is too large: up to ${largest} can be sent.`,
  tooMany: (most) => `Up to ${most} files can be sent in one message.`,
  limited: (when) => `That was too often. Try again ${when}.`,
  faults: {
    OFFLINE: "There is no connection. It will be sent when there is one.",
    UNAVAILABLE: "The server does not answer at the moment.",
    INTERNAL: "Something broke on the server.",
    RATE_LIMITED: "That was too often. Wait a little.",
    UNAUTHENTICATED: "The server does not know this chat any more.",
    NOT_FOUND: "This chat is not available.",
    FORBIDDEN: "This chat is not available on this site.",
    BAD_USER_INPUT: "The server does not take this message.",
    TOO_LONG: "The text is too long.",
    TOO_LARGE: "The file is too large.",
    FILE_LOST: "The page was left before the file had been sent. Attach it again.",
  },
  units: ["B", "KB", "MB"],
};

const ru: Words = {
  chat: "Чат",
  open: "Открыть чат",
  close: "Закрыть чат",
  greeting: "Напишите нам: ответ придёт сюда.",
  messages: "Сообщения",
  message: "Ваше сообщение",
  placeholder: "Напишите сообщение…",
  send: "Отправить",
  attach: "Прикрепить файлы",
  drop: "Отпустите файлы, чтобы прикрепить их",
  attached: "Прикреплённые файлы",
  detach: (name) => `Убрать ${name}`,
  you: "Вы",
  company: "Автоматическое сообщение",
  deleted: "Сообщение удалено",
  edited: "изменено",
  earlier: "Показать более ранние",
  today: "Сегодня",
  yesterday: "Вчера",
  sending: "Отправляется…",
  sent: "Отправлено",
  read: "Прочитано",
  failed: "Не отправлено",
  again: "Повторить",
  discard: "Удалить",
  typing: (name) => `${name} печатает…`,
  unread: (count) => `${count} ${plural(count, "непрочитанное сообщение", "непрочитанных сообщения", "непрочитанных сообщений")}`,
  arrived: (name) => `Новое сообщение в чате: ${name}`,
  offline: "Нет связи. Пробуем снова…",
  fileComing: "загружается",
  opensApart: "откроется в новой вкладке",
  tooLong: (length, longest) => `Текст слишком длинный: ${length} из ${longest} знаков.`,
  tooLarge: (name, largest) => `Файл «${name}» слишком большой: можно отправить до ${largest}.`,
  tooMany: (most) => `В одном сообщении можно отправить до ${most} файлов.`,
  limited: (when) => `Слишком часто. Повторите ${when}.`,
  faults: {
    OFFLINE: "Нет связи. Сообщение уйдёт, когда она появится.",
    UNAVAILABLE: "Сервер сейчас не отвечает.",
    INTERNAL: "На сервере что-то сломалось.",
    RATE_LIMITED: "Слишком часто. Подождите немного.",
    UNAUTHENTICATED: "Сервер больше не знает этот чат.",
    NOT_FOUND: "Этот чат недоступен.",
    FORBIDDEN: "Этот чат недоступен на этом сайте.",
    BAD_USER_INPUT: "Сервер не принимает это сообщение.",
    TOO_LONG: "Текст слишком длинный.",
    TOO_LARGE: "Файл слишком большой.",
    FILE_LOST: "Страница закрылась раньше, чем файл был отправлен. Прикрепите его снова.",
  },
  units: ["Б", "КБ", "МБ"],
};

const languages: Record<Language, Words> = { en, ru };

export function isLanguage(value: string): value is Language {
  return Object.hasOwn(languages, value);
}

export function wordsIn(language: Language): Words {
  return languages[language];
}

/** The form of a Russian noun after a number: один, два, пять. */
function plural(count: number, one: string, two: string, five: string): string {
  const tens = count % 100;
  const ones = count % 10;
  if (tens > 10 && tens < 20) return five;
  return ones === 1 ? one : ones > 1 && ones < 5 ? two : five;
}
