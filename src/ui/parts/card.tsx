// A part of a page with a title of its own.
import { type ReactNode, useId } from "react";

interface CardProps {
  title: string;
  /** Small, at the title's other end. */
  aside?: ReactNode;
  /** true: its content reaches the edges, as tables do. */
  flush?: boolean;
  children: ReactNode;
}

export function Card({ title, aside, flush = false, children }: CardProps): ReactNode {
  const id = useId();
  return (
    <section className="card" aria-labelledby={id}>
      <div className="card-head">
        <h2 id={id}>{title}</h2>
        {aside !== undefined && <div className="aside">{aside}</div>}
      </div>
      {flush ? children : <div className="card-body">{children}</div>}
    </section>
  );
}

/** Where there is nothing, and what would be there. */
export function Empty({ icon, children }: { icon?: ReactNode; children: ReactNode }): ReactNode {
  return (
    <div className="empty">
      {icon}
      <p>{children}</p>
    </div>
  );
}
