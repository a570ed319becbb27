// A model's Markdown as elements: the text is read into tokens by marked, and each token that is known here becomes an element of the page. HTML is
// text, links leave in a window of their own, and nothing is loaded from anywhere but the session's workspace.
import { Lexer, type Token, type Tokens } from "marked";
import { Fragment, memo, type ReactNode, useMemo, useState } from "react";
import { Button, CopyButton } from "../../parts/button.tsx";
import { isReadable, toLinkTarget, toWorkspacePath } from "../../text/markdown.ts";
import { WorkspaceImage } from "./workspace-image.tsx";

/** Within each other: what a page still shows. The rest is text as it was written. */
const DEPTH_MAX = 24;

interface Place {
  sessionKey: string;
  depth: number;
}

export function Markdown({ text, sessionKey }: { text: string; sessionKey: string }): ReactNode {
  const tokens = useMemo(() => toTokens(text), [text]);
  if (tokens === null) return <PlainText text={text} />;
  return (
    <div className="markdown">
      {tokens.map((token, at) => (
        // Pieces before the one that grows stay as they are.
        // biome-ignore lint/suspicious/noArrayIndexKey: a text only grows at its end
        <Piece key={at} token={token} raw={token.raw} sessionKey={sessionKey} />
      ))}
    </div>
  );
}

/** What a browser lays out at once, also where a line never ends. */
const PLAIN_LENGTH_MAX = 10_000;

function PlainText({ text }: { text: string }): ReactNode {
  const [isWhole, setWhole] = useState(false);
  const isCut = !isWhole && text.length > PLAIN_LENGTH_MAX;
  return (
    <>
      <p className="message-text">{isCut ? text.slice(0, PLAIN_LENGTH_MAX) : text}</p>
      {isCut && (
        <Button size="small" onClick={() => setWhole(true)}>
          Show all {text.length} characters
        </Button>
      )}
    </>
  );
}

/** null: it is shown as it was written. */
function toTokens(text: string): Token[] | null {
  if (!isReadable(text)) return null;
  try {
    return new Lexer({ gfm: true }).lex(text);
  } catch {
    return null;
  }
}

const Piece = memo(
  ({ token, sessionKey }: { token: Token; raw: string; sessionKey: string }): ReactNode => renderBlock(token, { sessionKey, depth: 0 }),
  (one, other) => one.raw === other.raw && one.sessionKey === other.sessionKey,
);

function renderBlock(token: Token, place: Place): ReactNode {
  if (place.depth > DEPTH_MAX) return <p>{token.raw}</p>;
  const inside = { ...place, depth: place.depth + 1 };
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "heading":
      return <Heading depth={(token as Tokens.Heading).depth}>{renderInlines(token.tokens, inside)}</Heading>;
    case "paragraph":
      return <p>{renderInlines(token.tokens, inside)}</p>;
    case "text":
      return token.tokens === undefined ? token.text : renderInlines(token.tokens, inside);
    case "blockquote":
      return <blockquote>{renderBlocks(token.tokens, inside)}</blockquote>;
    case "hr":
      return <hr />;
    case "code":
      return <CodeBlock text={token.text} language={(token as Tokens.Code).lang ?? ""} />;
    case "list":
      return <List list={token as Tokens.List} place={inside} />;
    case "table":
      return <Table table={token as Tokens.Table} place={inside} />;
    default:
      return <p>{token.raw}</p>;
  }
}

const renderBlocks = (tokens: readonly Token[] = [], place: Place): ReactNode =>
  // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no names
  tokens.map((token, at) => <Fragment key={at}>{renderBlock(token, place)}</Fragment>);

const HEADINGS = ["h3", "h4", "h5", "h6"] as const;

/** A page has one title of its own: those of a message begin below it. */
function Heading({ depth, children }: { depth: number; children: ReactNode }): ReactNode {
  const Level = HEADINGS[depth - 1] ?? "h6";
  return (
    <Level className="markdown-heading" data-depth={depth}>
      {children}
    </Level>
  );
}

function CodeBlock({ text, language }: { text: string; language: string }): ReactNode {
  return (
    <figure className="code-block">
      <figcaption className="row">
        <span className="dim tiny grow">{language.split(/\s/)[0]?.slice(0, 32) ?? ""}</span>
        <CopyButton text={text} label="Copy the code" />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}

function List({ list, place }: { list: Tokens.List; place: Place }): ReactNode {
  const items = list.items.map((item, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no names
    <li key={at} data-task={item.task || undefined}>
      {item.task && (
        <input type="checkbox" checked={item.checked === true} disabled aria-label={item.checked === true ? "Done" : "To do"} />
      )}
      {renderBlocks(
        item.tokens.filter(({ type }) => type !== "checkbox"),
        place,
      )}
    </li>
  ));
  return list.ordered ? <ol start={typeof list.start === "number" ? list.start : 1}>{items}</ol> : <ul>{items}</ul>;
}

function Table({ table, place }: { table: Tokens.Table; place: Place }): ReactNode {
  return (
    <div className="markdown-table">
      <table>
        <thead>
          <tr>
            {table.header.map((cell, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no names
              <th key={at} scope="col">
                {renderInlines(cell.tokens, place)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no names
            <tr key={at}>
              {row.map((cell, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no names
                <td key={column}>{renderInlines(cell.tokens, place)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const renderInlines = (tokens: readonly Token[] = [], place: Place): ReactNode =>
  // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no names
  tokens.map((token, at) => <Fragment key={at}>{renderInline(token, place)}</Fragment>);

function renderInline(token: Token, place: Place): ReactNode {
  if (place.depth > DEPTH_MAX) return token.raw;
  const inside = { ...place, depth: place.depth + 1 };
  switch (token.type) {
    case "escape":
      return token.text;
    case "text":
      return token.tokens === undefined ? unescapeText(token.text) : renderInlines(token.tokens, inside);
    case "strong":
      return <strong>{renderInlines(token.tokens, inside)}</strong>;
    case "em":
      return <em>{renderInlines(token.tokens, inside)}</em>;
    case "del":
      return <del>{renderInlines(token.tokens, inside)}</del>;
    case "codespan":
      return <code className="chip">{token.text}</code>;
    case "br":
      return <br />;
    case "link":
      return <TextLink href={(token as Tokens.Link).href}>{renderInlines(token.tokens, inside)}</TextLink>;
    case "image":
      return <ImageOf image={token as Tokens.Image} sessionKey={place.sessionKey} />;
    default:
      return token.raw;
  }
}

function TextLink({ href, children }: { href: string; children: ReactNode }): ReactNode {
  const target = toLinkTarget(href);
  if (target === null) return <span title={href}>{children}</span>;
  return (
    <a className="text-link" href={target} target="_blank" rel="noopener noreferrer nofollow" title={target}>
      {children}
    </a>
  );
}

/** One from elsewhere would tell there who reads: it is a link. */
function ImageOf({ image: { href, text }, sessionKey }: { image: Tokens.Image; sessionKey: string }): ReactNode {
  const path = toWorkspacePath(href);
  if (path !== null) return <WorkspaceImage sessionKey={sessionKey} path={path} alt={text} />;
  return <TextLink href={href}>Image: {text === "" ? href : text}</TextLink>;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&nbsp;": "\u00a0",
};

/** What a model writes for characters of HTML. */
const unescapeText = (text: string): string => text.replace(/&(?:amp|lt|gt|quot|#39|nbsp);/g, (found) => ENTITIES[found] ?? found);
