"""What people drop into a chat: pictures and PDFs, checked, prepared, kept and removed again."""
