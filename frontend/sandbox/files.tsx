// A message's files: pictures in place, the others as links.
import { useState } from "react";
import { isPicture, sizeInWords } from "./chat";
import type { MessageFile } from "./protocol";

export function Files({ files }: { files: readonly MessageFile[] }) {
  return files.map((file) => <FileView key={file.url} file={file} />);
}

function FileView({ file }: { file: MessageFile }) {
  const [isBroken, setBroken] = useState(false);
  if (isPicture(file) && !isBroken) {
    return <img className={file.kind} src={file.url} alt={file.name} onError={() => setBroken(true)} />;
  }
  // `download`: what the company or a client sent is not opened as a page of the sandbox's own.
  return (
    <a className="file" href={file.url} download={file.name}>
      {file.kind === "DOCUMENT" || file.kind === "IMAGE" ? "" : `${KINDS[file.kind]}: `}
      {file.name} <small>{sizeInWords(file.size)}</small>
    </a>
  );
}

const KINDS = { VIDEO: "Video", AUDIO: "Audio", VOICE: "Voice", STICKER: "Sticker" };
