"""What a screen reader and a keyboard need: landmarks, titles of dialogs, names of buttons, lists that are lists."""

from app.frontend.patches.patch import Patch

# Buttons with only an icon, and no selector by which public/names.js could find them: the text to find, the key of
# their name, and the place in Chainlit's source.
_NAMED = (
    ("className:`text-muted-foreground ${e}`,", "copy", "frontend/src/components/CopyButton.tsx"),
    ('className:"absolute right-2 top-1/2 -translate-y-1/2",', "showPassword", "frontend/src/components/LoginForm.tsx"),
    (
        'className:"w-6 h-6 rounded-full bg-card hover:bg-card text-foreground",',
        "cancelUpload",
        "frontend/src/components/chat/MessageComposer/Attachments.tsx",
    ),
    (
        'className:"w-6 h-6 shadow-sm rounded-full border-4 bg-card',
        "removeFile",
        "frontend/src/components/chat/MessageComposer/Attachments.tsx",
    ),
    ("onClick:y,disabled:o<=1,", "previousPage", "frontend/src/components/Elements/PDF.tsx"),
    ("onClick:x,disabled:o>=(a||1),", "nextPage", "frontend/src/components/Elements/PDF.tsx"),
    ("onClick:_,disabled:c<=.5,", "smaller", "frontend/src/components/Elements/PDF.tsx"),
    ("onClick:p,disabled:c>=3,", "larger", "frontend/src/components/Elements/PDF.tsx"),
    (
        "onClick:()=>x(1),className:i===1",
        "helpful",
        "frontend/src/components/chat/Messages/Message/Buttons/FeedbackButtons.tsx",
    ),
    (
        "onClick:()=>x(0),className:i===0",
        "notHelpful",
        "frontend/src/components/chat/Messages/Message/Buttons/FeedbackButtons.tsx",
    ),
)

ACCESSIBILITY = (
    Patch(
        name="header-link",
        why="a link in the header is not a button around a link, which confuses screen readers",
        file="frontend/src/components/ButtonLink.tsx",
        old='className:"text-muted-foreground hover:text-muted-foreground",children:f.jsxs("a",{',
        new='className:"text-muted-foreground hover:text-muted-foreground",asChild:!0,children:f.jsxs("a",{',
    ),
    Patch(
        # Without a title the dialog's library logs an error, and a screen reader has nothing to announce.
        name="picture-dialog",
        why="the large picture's dialog has a title",
        file="frontend/src/components/Elements/Image.tsx",
        old='max-h-screen overflow-auto [&>button]:hidden",children:f.jsxs("div",{'
        'className:"relative w-full h-full flex items-center justify-center",children:[',
        new='max-h-screen overflow-auto [&>button]:hidden","aria-describedby":void 0,children:f.jsxs("div",{'
        'className:"relative w-full h-full flex items-center justify-center",children:['
        'f.jsx(Id,{className:"sr-only",children:t.name}),',
    ),
    Patch(
        name="help-dialog",
        why="the help dialog declares that it has no description, which its library logs otherwise",
        file="frontend/src/components/header/Readme.tsx",
        old='max-w-screen max-h-screen border-none !rounded-none overflow-y-auto",',
        new='max-w-screen max-h-screen border-none !rounded-none overflow-y-auto","aria-describedby":void 0,',
    ),
    Patch(
        # With a sidebar, Chainlit already has a `main` around this.
        name="chat-landmark",
        why="the chat is the page's main landmark",
        file="frontend/src/pages/Page.tsx",
        old='f.jsx("div",{className:"h-screen w-screen flex",children:o})',
        new='f.jsx("main",{className:"h-screen w-screen flex",children:o})',
    ),
    Patch(
        name="heading",
        why="the page has a heading, and the chat a class for the room below the banner",
        file="frontend/src/pages/Page.tsx",
        old='f.jsx("div",{className:"flex flex-row flex-grow overflow-auto",children:t})',
        new='f.jsxs("div",{className:"flex flex-row flex-grow overflow-auto chat-area",children:['
        'f.jsx("h1",{className:"sr-only",children:"Kimi-VL Chat"}),t]})',
    ),
    Patch(
        name="chats-list",
        why="the list of chats contains lists, and is not one itself",
        file="frontend/src/components/LeftSidebar/ThreadHistory.tsx",
        old='f.jsx(GTe,{children:o?f.jsx("div",{id:"thread-history",',
        new='f.jsx("div",{className:"flex w-full min-w-0 flex-col gap-1",children:o?f.jsx("div",{id:"thread-history",',
    ),
    Patch(
        name="sidebar-dialog",
        why="the sidebar of a narrow window is a dialog with a title",
        file="frontend/src/components/ui/sidebar.tsx",
        old='side:t,children:f.jsx("div",{className:"flex h-full w-full flex-col",children:a})',
        new='side:t,"aria-describedby":void 0,children:f.jsxs("div",{className:"flex h-full w-full flex-col",children:['
        'f.jsx(Id,{className:"sr-only",children:kimi.text.chats}),a]})',
    ),
    Patch(
        name="chat-link",
        why="a chat in the list is a link, not a button in a link with another button in it",
        file="frontend/src/components/ui/sidebar.tsx",
        old='const c=t?ps:"button",{isMobile:l,state:u}=DC(),d=f.jsx(c,{ref:s,"data-sidebar":"menu-button",',
        new='const c=t?ps:"div",{isMobile:l,state:u}=DC(),d=f.jsx(c,{ref:s,"data-sidebar":"menu-button",',
    ),
    Patch(
        name="chat-menu",
        why="the menu of a chat is a button",
        file="frontend/src/components/LeftSidebar/ThreadOptions.tsx",
        old='id:"thread-options",',
        new='id:"thread-options",role:"button",tabIndex:-1,"aria-label":kimi.text.chatMenu,',
    ),
    Patch(
        name="login-landmark",
        why="the login form is its page's main landmark",
        file="frontend/src/pages/Login.tsx",
        old='f.jsxs("div",{className:"grid min-h-svh lg:grid-cols-2"',
        new='f.jsxs("main",{className:"grid min-h-svh lg:grid-cols-2"',
    ),
    Patch(
        name="preset-picture",
        why="a preset's picture in the list does not repeat its name",
        file="frontend/src/components/header/ChatProfiles.tsx",
        old='f.jsx("img",{src:w,alt:C.display_name||C.name,',
        new='f.jsx("img",{src:w,alt:"",',
    ),
    Patch(
        name="welcome-picture",
        why="a preset's picture on the empty chat does not repeat its name",
        file="frontend/src/components/chat/WelcomeScreen.tsx",
        old='f.jsx("img",{className:"h-16 w-16 rounded-full",',
        new='f.jsx("img",{alt:"",className:"h-16 w-16",',
    ),
    Patch(
        name="scroll-code",
        why="a long line of code can be scrolled by keyboard",
        file="frontend/src/components/CodeSnippet.tsx",
        old="className:`language-${t} font-mono text-sm rounded-b-md block`",
        new="tabIndex:0,className:`language-${t} font-mono text-sm rounded-b-md block`",
    ),
    Patch(
        name="scroll-text",
        why="a long text without a language can be scrolled by keyboard",
        file="frontend/src/components/CodeSnippet.tsx",
        old='f.jsx("div",{className:Ae("rounded-b-md overflow-x-auto bg-accent",',
        new='f.jsx("div",{tabIndex:0,className:Ae("rounded-b-md overflow-x-auto bg-accent",',
    ),
    Patch(
        name="scroll-table",
        why="a wide table can be scrolled by keyboard",
        file="frontend/src/components/ui/table.tsx",
        old='f.jsx("div",{className:"relative w-full overflow-auto",children:f.jsx("table"',
        new='f.jsx("div",{tabIndex:0,className:"relative w-full overflow-auto",children:f.jsx("table"',
    ),
    Patch(
        name="slider-label",
        why="a slider has an accessible name: the setting passes it down",
        file="frontend/src/components/ChatSettings/SliderInput.tsx",
        old="f.jsx(KHe,{id:n,name:n,max:s,",
        new='f.jsx(KHe,{id:n,name:n,"data-label":r,max:s,',
    ),
    Patch(
        name="slider-handle",
        why="a slider has an accessible name: the handle uses it",
        file="frontend/src/components/ui/slider.tsx",
        old='f.jsx(svn,{className:"block h-5 w-5',
        new='f.jsx(svn,{"aria-label":e["data-label"],className:"block h-5 w-5',
    ),
    Patch(
        # The drop zone's own attributes, spread into the button, give it the role `presentation`; later ones win.
        name="name-attach",
        why="a button with only an icon has a name",
        file="frontend/src/components/chat/MessageComposer/UploadButton.tsx",
        old="disabled:t,...o(),",
        new='disabled:t,...o(),role:"button","aria-label":kimi.text.attach,',
    ),
    Patch(
        # The other place is in dialog.tsx, beside it.
        name="name-close",
        why="the button that closes a dialog has a name in the user's language",
        file="frontend/src/components/ui/sheet.tsx",
        old='"sr-only",children:"Close"',
        new='"sr-only",children:kimi.text.close',
        places=2,
    ),
    *(
        Patch(
            f"name-{word}", "a button with only an icon has a name", file, old, f'"aria-label":kimi.text.{word},{old}'
        )
        for old, word, file in _NAMED
    ),
)
