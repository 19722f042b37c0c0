/** How loud a microphone is, for a bar that shows that it works. */

/** How often it is measured, ms. */
const EVERY_MS = 100;

/**
 * Calls `tell` about ten times a second with 0 (silent) to 1 (loud), on a scale that follows the
 * ear; returns what stops it. The track is only listened to.
 */
export function followLoudness(track: MediaStreamTrack, tell: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    // -60 dB and less is silence, 0 dB is as loud as it gets.
    const decibels = 10 * Math.log10(power + 1e-9);
    tell(Math.min(1, Math.max(0, (decibels + 60) / 60)));
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    context.close();
  };
}
