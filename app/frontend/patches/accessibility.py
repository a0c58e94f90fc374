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
        # The description was in a card beside the list: an empty one where a preset has none, and the first Escape
        # closed only the card. Phones never showed it. public/style.css draws it below the name.
        name="preset-description",
        why="each preset in the list has its description below its name, and Escape closes the list",
        file="frontend/src/components/header/ChatProfiles.tsx",
        old='f.jsxs(LQe,{openDelay:0,closeDelay:0,children:[f.jsx(DQe,{asChild:!0,children:f.jsx(_x,{"data-test":'
        '`select-item:${C.name}`,value:C.name,className:"cursor-pointer",children:f.jsxs("div",{className:'
        '"flex items-center gap-2",children:[w&&f.jsx("img",{src:w,alt:C.display_name||C.name,'
        'className:"w-6 h-6 rounded-md object-cover"}),f.jsx("span",{children:C.display_name||C.name})]})})}),'
        'f.jsx(hTe,{side:"right",id:"chat-profile-description",align:"start",className:"w-80 overflow-visible",'
        "sideOffset:10,children:f.jsx(Zp,{allowHtml:_,latex:y,renderMarkdown:!0,children:C.markdown_description})})]}"
        ",C.name)",
        new='f.jsx(_x,{"data-description":C.markdown_description||void 0,"aria-description":C.markdown_description||'
        'void 0,value:C.name,className:"cursor-pointer",children:f.jsxs("div",{className:"flex items-center gap-2",'
        'children:[w&&f.jsx("img",{src:w,alt:"",className:"w-6 h-6 rounded-md object-cover"}),'
        'f.jsx("span",{children:C.display_name||C.name})]})},C.name)',
    ),
    Patch(
        name="chats-landmark",
        why="the list of chats is in a landmark",
        file="frontend/src/components/ui/sidebar.tsx",
        old='f.jsx("div",{"data-sidebar":"sidebar",className:"flex h-full w-full flex-col bg-sidebar '
        "group-data-[variant=floating]",
        new='f.jsx("div",{role:"navigation","aria-label":kimi.text.chats,"data-sidebar":"sidebar",'
        'className:"flex h-full w-full flex-col bg-sidebar group-data-[variant=floating]',
    ),
    Patch(
        name="paragraphs",
        why="a paragraph is not announced as an article",
        file="frontend/src/components/Markdown.tsx",
        old='whitespace-pre-wrap break-words",role:"article"})',
        new='whitespace-pre-wrap break-words"})',
    ),
    Patch(
        name="to-the-end",
        why="the button that scrolls to the end has a name",
        file="frontend/src/components/chat/ScrollContainer.tsx",
        old='size:"icon",variant:"outline",className:"rounded-full",onClick:y,',
        new='size:"icon",variant:"outline",className:"rounded-full","aria-label":kimi.text.toEnd,onClick:y,',
    ),
    Patch(
        name="thinking-heading",
        why="the heading of the thinking follows the page's, without a missing level",
        file="@radix-ui/react-accordion/dist/index.mjs",
        old="i=jSe($Ye,n);return f.jsx(rn.h3,",
        new="i=jSe($Ye,n);return f.jsx(rn.h2,",
    ),
    Patch(
        name="toast-role",
        why="a notice is an item of the list of notices",
        file="sonner/dist/index.mjs",
        old='"aria-atomic":"true",role:"status",tabIndex:0,ref:q,',
        new='"aria-atomic":"true",tabIndex:0,ref:q,',
    ),
    Patch(
        name="toast-time",
        why="a notice can be closed and read: an error stays until it is closed",
        file="frontend/src/App.tsx",
        old='f.jsx(qKn,{richColors:!0,className:"toast",position:"top-right"})',
        new='f.jsx(qKn,{richColors:!0,className:"toast",position:"top-right",closeButton:!0,duration:8e3,offset:68,'
        "containerAriaLabel:kimi.text.notices})",
    ),
    Patch(
        # The 23 days are the most that a browser's timer takes.
        name="toast-error-time",
        why="a notice can be closed and read: an error's time",
        file="sonner/dist/index.mjs",
        old="l.duration||I||$vt",
        new='l.duration||(l.type==="error"?2e9:I)||$vt',
    ),
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
