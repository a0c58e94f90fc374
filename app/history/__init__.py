"""The chats of all people, kept in a database: threads, questions, pictures, answers, feedback, settings.

- `tables` and `migrations`: the schema; `database`: the connection to SQLite, PostgreSQL or another database.
- `store`: threads as data (`app.talk.conversation`) in and out; `listing`: the sidebar's list and its search; `users`.
- `layer`: what Chainlit asks; `keeper`: what a live chat has written; `resuming`: a thread back on the page.
- `exports`: a thread as Markdown and as JSON, and back; `routes`: what browsers fetch.
"""
