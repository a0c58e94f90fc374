// What the page adds to Chainlit's front end. First of its scripts: the words that it shows, and small help for patches.
"use strict";

const kimi = (() => {
  const words = {
    en: {
      code: "Text",
      send: "Send",
      stop: "Stop answering",
      attach: "Add pictures or a PDF",
      settings: "Settings",
      newChat: "New chat",
      theme: "Colours",
      account: "Account",
      edit: "Edit this question",
      copy: "Copy",
      close: "Close",
      print: "Open or print the PDF",
      download: "Download the PDF",
      enlarge: "Show the PDF large",
      previousPage: "Previous page",
      nextPage: "Next page",
      smaller: "Smaller",
      larger: "Larger",
      cancelUpload: "Cancel sending this file",
      removeFile: "Remove this file",
      showPassword: "Show or hide the password",
      helpful: "Helpful",
      notHelpful: "Not helpful",
      presets: "What the chat is for",
      saveMarkdown: "Save as Markdown",
      saveJson: "Save as JSON",
      bringIn: "Open a saved chat",
      searchChats: "Search chats",
      sidebar: "Show or hide the chats",
      chats: "Chats",
      chatMenu: "More for this chat",
      copyFailed: "Copying did not work; select the text and press Ctrl+C.",
      loadingPdf: "Opening the PDF…",
      requestFailed: "The server could not do this. Please try again; if it goes on, its log has the reason.",
      searchFailed: "The chats could not be searched. Please try again.",
      tooLarge: (name, limit) => `${name} is larger than ${limit} MB: send a smaller file.`,
      tooMany: (limit) => `At most ${limit} files can be sent at once: send the others with the next question.`,
      wrongType: (name) => `${name} can't be read: send PNG, JPEG, WebP, GIF, BMP, TIFF, HEIC or PDF.`,
      answered: "Answer ready",
      signOutEverywhere: "Sign out everywhere",
      showEarlier: "Show earlier messages",
      loadingEarlier: "Loading earlier messages…",
      earlierShown: (count) => `${count} earlier questions are shown above.`,
      chatGone: "This chat could not be opened: it has been deleted, or is not yours.",
      filesGone: "The attached files could not be sent again, so the question still waits: reload the page, attach them again and ask once more.",
    },
    zh: {
      code: "文本",
      send: "发送",
      stop: "停止回答",
      attach: "添加图片或 PDF",
      settings: "设置",
      newChat: "新建对话",
      theme: "配色",
      account: "账户",
      edit: "编辑此提问",
      copy: "复制",
      close: "关闭",
      print: "打开或打印 PDF",
      download: "下载 PDF",
      enlarge: "放大查看 PDF",
      previousPage: "上一页",
      nextPage: "下一页",
      smaller: "缩小",
      larger: "放大",
      cancelUpload: "取消发送此文件",
      removeFile: "移除此文件",
      showPassword: "显示或隐藏密码",
      helpful: "有帮助",
      notHelpful: "没有帮助",
      presets: "对话用途",
      saveMarkdown: "保存为 Markdown",
      saveJson: "保存为 JSON",
      bringIn: "打开已保存的对话",
      searchChats: "搜索对话",
      sidebar: "显示或隐藏对话列表",
      chats: "对话",
      chatMenu: "此对话的更多操作",
      copyFailed: "复制失败，请选中文字后按 Ctrl+C。",
      loadingPdf: "正在打开 PDF…",
      requestFailed: "服务器未能完成此操作，请重试；若仍失败，可在日志中查看原因。",
      searchFailed: "搜索对话失败，请重试。",
      tooLarge: (name, limit) => `${name} 超过 ${limit} MB，请发送较小的文件。`,
      tooMany: (limit) => `一次最多发送 ${limit} 个文件，其余请随下一个问题发送。`,
      wrongType: (name) => `无法读取 ${name}，请发送 PNG、JPEG、WebP、GIF、BMP、TIFF、HEIC 或 PDF。`,
      answered: "回答完成",
      signOutEverywhere: "在所有设备上退出登录",
      showEarlier: "显示更早的消息",
      loadingEarlier: "正在加载更早的消息…",
      earlierShown: (count) => `上方已显示更早的 ${count} 个提问。`,
      chatGone: "无法打开此对话：它已被删除，或不属于您。",
      filesGone: "附件未能重新上传，提问仍在等待：请刷新页面，重新添加附件后再提问。",
    },
  };
  const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
  const text = words[language];

  // What the drop zone says about the files that it did not take: one sentence for each reason, with the file's name.
  function refused(rejections, spec) {
    const sentences = rejections.map(({ file, errors }) => {
      const code = errors[0].code;
      if (code === "too-many-files") return text.tooMany(spec.max_files);
      return code === "file-too-large" ? text.tooLarge(file.name, spec.max_size_mb) : text.wrongType(file.name);
    });
    return [...new Set(sentences)].join("\n");
  }

  // The same component, which React draws again only for other properties. `React` is the bundle's own.
  const memos = new Map();
  function memo(React, component) {
    if (!memos.has(component)) memos.set(component, React.memo(component));
    return memos.get(component);
  }

  // Of the links in the header, those that this person may open: the status is for whom the server lets see it.
  function links(all, user) {
    return all.filter((link) => link.url !== "/status" || user?.metadata?.watches);
  }

  // `fail` shows a sentence.
  async function signOutEverywhere(fail) {
    try {
      const reply = await fetch("/api/sign-out-everywhere", { method: "POST" });
      if (!reply.ok && reply.status !== 401) throw new Error(reply.statusText);
      location.assign("/");
    } catch {
      fail(text.requestFailed);
    }
  }

  return { language, text, refused, memo, links, signOutEverywhere };
})();

// Only a page from https or from this machine may use the clipboard; elsewhere the old way stands in for the new one.
if (!navigator.clipboard) {
  const writeText = async (content) => {
    const area = Object.assign(document.createElement("textarea"), { value: content });
    (document.querySelector("[role=dialog]") ?? document.body).append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) throw new Error(kimi.text.copyFailed);
  };
  window.ClipboardItem ??= class {
    constructor(parts) {
      this.parts = parts;
    }
  };
  const write = async ([item]) => writeText(await item.parts["text/plain"].text());
  Object.defineProperty(navigator, "clipboard", { value: { write, writeText } });
}

// An answer that is finished while nobody looks marks the tab until somebody does.
(() => {
  let running = false;
  let title = null;
  const see = () => {
    if (title !== null && !document.hidden) {
      document.title = title;
      title = null;
    }
  };
  document.addEventListener("visibilitychange", see);
  setInterval(() => {
    const now = document.getElementById("stop-button") !== null;
    if (running && !now && document.hidden && title === null) {
      title = document.title;
      document.title = `✓ ${kimi.text.answered} · ${title}`;
    }
    running = now;
  }, 1000);
})();

// A file held over the page: the style sheet shows that it may be dropped anywhere.
(() => {
  const dropping = (on) => document.documentElement.classList.toggle("dropping", on);
  document.addEventListener("dragover", (event) => dropping(event.dataTransfer.types.includes("Files")));
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && dropping(false));
  for (const end of ["drop", "dragend"]) document.addEventListener(end, () => dropping(false), true);
})();
