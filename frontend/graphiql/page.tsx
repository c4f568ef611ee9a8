// The page at GET /graphql: the session's bar above, GraphiQL below.
import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import { useEffect, useMemo, useState, type ComponentProps } from "react";
import { post, type Operation } from "../api/post";
import { expired, readSession, signIn, signOut, type Session } from "../api/session";
import { examples } from "./examples";
import { openLink } from "./fetcher";
import { withoutHeaders } from "./memory";
import "./page.css";
import { SessionBar } from "./session-bar";

// Its type asks for the error objects that graphql-js throws; it prints the plain ones of an answer as they are.
type Fetcher = ComponentProps<typeof GraphiQL>["fetcher"];

const send = (operation: Operation) => post(operation);
const memory = withoutHeaders(sessionStorage);
// Of a default tab GraphiQL shows the query, but the variables only when they stand in its memory.
if (memory.getItem("graphiql:tabState") === null) memory.setItem("graphiql:variables", examples.variables);

export function Page() {
  const [session, setSession] = useState<Session>({ state: "asking" });
  // Counts who was signed in: with each, GraphiQL gets a new fetcher, and with it fetches the schema anew.
  const [identity, setIdentity] = useState(0);
  const link = useMemo(() => openLink(() => setSession(expired)), [identity]);
  useEffect(() => link.close, [link]);

  const ask = () => {
    setSession({ state: "asking" });
    void readSession(send).then(setSession);
  };
  useEffect(ask, []);

  const change = async (changing: Promise<Session>) => {
    setSession(await changing);
    setIdentity((count) => count + 1);
  };

  return (
    <>
      <SessionBar
        session={session}
        onAsk={ask}
        onSignIn={(email, password) => change(signIn(send, email, password))}
        onSignOut={() => change(signOut(send))}
      />
      <main>
        <GraphiQL
          fetcher={link.fetcher as Fetcher}
          storage={memory}
          shouldPersistHeaders={false}
          defaultTabs={[examples]}
          defaultEditorToolsVisibility="variables"
          defaultQuery={"# Ctrl-Space completes.\n"}
        >
          <GraphiQL.Logo>{null}</GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}
